"""The kinds of addresses: what each answers to whom.

An answer is the status for GET, HEAD, POST, then PUT, PATCH and DELETE, then OPTIONS, to a request that sends
nothing but a good CSRF token. "login" is the way to the log-in page and back.
"""

from typing import Final

LOGIN: Final = "login login login login login"
NOTHING: Final = "404 404 404 404 404"
ELSEWHERE: Final = "302 302 302 302 302"
REFUSED: Final = "403 403 403 403 403"
READ: Final = "200 200 405 405 405"
# A role that isn't named is answered like the one it stands behind.
LIKE: Final = {
    "anonymous": "all", "deactivated": "anonymous", "owner": "all", "guest": "owner", "other": "owner",
    "staff": "other", "superuser": "staff", "unproven": "other",
}  # fmt: skip


def _page(answers: str, **others: str) -> dict[str, str]:
    """Return the answers of what needs a log-in."""
    return {"anonymous": LOGIN, "all": answers} | others


def _account(answers: str, **others: str) -> dict[str, str]:
    """Return the answers of what needs an account; guests are asked to sign up."""
    return _page(answers, guest=ELSEWHERE, **others)


def _admin(superuser: str, staff: str = REFUSED, learner: str = ELSEWHERE) -> dict[str, str]:
    """Return the answers of the admin, which asks staff without a second factor for one."""
    return _page(learner, superuser=superuser, staff=staff, unproven=ELSEWHERE)


ADMIN_ALL: Final = "200 200 200 200 200"
KINDS: Final = {
    "public page": {"all": READ},
    "public page of the library": {"all": "200 200 405 405 200"},
    "public form": {"all": "200 200 200 *200/405 200"},
    "visitor's form": {
        "anonymous": "200 200 200 *200/405 200",
        "guest": "200 200 200 *200/405 200",
        "all": ELSEWHERE,
    },
    "visitor's action": {"all": "405 405 303 405 405"},
    "token page": {"all": "200 200 400 405 405"},
    "staff page": {"all": NOTHING, "staff": READ, "unproven": NOTHING},
    "nothing": {"all": NOTHING},
    "page": _page(READ),
    "page with a form": _page("200 200 422 405 405"),
    "action": _page("405 405 303 405 405"),
    "action on one's own": _page(
        "405 405 404 405 405",
        owner="405 405 303 405 405",
        guest="405 405 404 405 405",
        other="405 405 404 405 405",
    ),
    "action with a form": _page("405 405 422 405 405"),
    "account page": _account(READ),
    "account page of the library": _account("200 200 405 405 200"),
    "account form": _account("200 200 200 *200/405 200"),
    "account form that leads on": _account("200 200 302 *302/405 200"),
    "account action": _account("405 405 303 405 405"),
    "after the password again": _account(ELSEWHERE),
    "second factor's": _account(NOTHING, staff=ELSEWHERE, unproven=NOTHING),
    "admin model": _admin(ADMIN_ALL),
    "admin change, to look at": _admin("200 200 403 200 200"),
    "admin refused": _admin(REFUSED),
    "admin page": _admin(ADMIN_ALL, ADMIN_ALL),
    "admin page to read": _admin("200 200 405 405 200", "200 200 405 405 200"),
    "admin elsewhere": _admin(ELSEWHERE, ELSEWHERE),
    "admin nothing": _admin(NOTHING, NOTHING),
}
