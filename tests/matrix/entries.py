"""What every address answers to whom: a line for each, with its kind and how it differs."""

from dataclasses import dataclass, field
from typing import Final

from tests.matrix.kinds import ELSEWHERE, KINDS, LIKE, NOTHING, REFUSED


@dataclass(frozen=True, slots=True)
class Entry:
    """An address: its kind, where it differs, and why it may do what no other may.

    `form` is what its owner sends to change something. `no_csrf` and `get_writes` are reasons. `by_htmx` says
    what htmx gets instead of a status, because it swaps what it gets or can't follow a redirect.
    """

    kind: str
    differs: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] | None = None
    no_csrf: str = ""
    get_writes: str = ""
    only: str = "all roles"
    by_htmx: dict[str, str] = field(default_factory=dict)

    def answers(self, role: str, *, htmx: bool = False) -> list[str]:
        """Return the five answers to a role."""
        table = KINDS[self.kind] | self.differs
        while role not in table:
            role = LIKE[role]
        answers = table[role].split()
        return [self.by_htmx.get(answer, answer) for answer in answers] if htmx else answers


def _model(
    name: str, *, add: bool = True, change: str = "admin model", delete: bool = True
) -> dict[str, Entry]:
    """Return the six addresses that the admin has for a model."""
    app, _, model = name.partition("_")
    refused = Entry("admin refused")
    return {
        f"admin:{name}_changelist": Entry("admin model"),
        f"admin:{name}_history": Entry("admin model"),
        f"admin:{name}_change": Entry(change),
        f"admin:{name}_add": Entry("admin model") if add else refused,
        f"admin:{name}_delete": Entry("admin model") if delete else refused,
        f"admin/{app}/{model}/<path:object_id>/": Entry("admin elsewhere"),
    }


LOOK: Final = "admin change, to look at"
NO_INPUT: Final = "takes no input: for those who may see it a POST is 405, for others 404"
BY_TOKEN: Final = "the token in the address is the secret, and a mail program has no cookie (RFC 8058)"
SWAPS: Final = {"303": "200"}  # the next card in place of this one, or the order to go elsewhere
ENTRIES: Final[dict[str, Entry]] = {
    "landing": Entry("public page", {"owner": "302 302 405 405 405"}),
    "help": Entry("public page"),
    "about": Entry("public page"),
    "healthz": Entry("public page"),
    "readyz": Entry("public page", {"all": "503 503 405 405 405"}),  # nothing has its heart beating here
    "try": Entry("visitor's action", form={}),
    "unsubscribe": Entry("token page", no_csrf=BY_TOKEN, form={"List-Unsubscribe": "One-Click"}),
    "snooze": Entry("token page", no_csrf=BY_TOKEN, form={"for": "week"}),
    "mail-webhook": Entry(
        "public page", {"all": "405 200 400 405 200"}, no_csrf="a provider signs in with a password"
    ),
    "metrics": Entry("nothing", no_csrf=NO_INPUT),
    "reminder-status": Entry("staff page", no_csrf=NO_INPUT),
    "operations": Entry("staff page", no_csrf=NO_INPUT),
    # Learners' pages
    "today": Entry("page"),
    "review": Entry("page"),
    "done": Entry("page"),
    "export": Entry("page"),
    "practice": Entry(
        "page", {"guest": "303 303 405 405 405", "other": "303 303 405 405 405"}, by_htmx=SWAPS
    ),
    "moving": Entry("page", {"owner": "303 303 405 405 405"}, by_htmx=SWAPS),
    "dashboard": Entry("page"),
    "forecast": Entry("page"),
    "sheet": Entry("page"),
    "browse": Entry("page"),
    "decks": Entry("page"),
    "deck": Entry("page"),
    "card": Entry("page"),
    "note": Entry("page with a form", {"owner": "200 200 303 405 405"}, form={"text": "", "seen": "NOTE"}),
    "catch-up": Entry("page with a form"),
    "break": Entry("page with a form", form={"break_from": "2026-03-06", "break_until": "2026-03-08"}),
    "interviews": Entry("page with a form", form={"company": "New", "on": "2026-05-01"}),
    "interview": Entry(
        "page with a form",
        {"guest": "404 404 404 405 405", "other": "404 404 404 405 405"},
        form={"company": "Changed", "on": "2026-05-01"},
    ),
    "settings": Entry("page with a form"),
    "reminder-settings": Entry(
        "page with a form", {"owner": "302 302 422 405 405", "guest": "302 302 303 405 405"}
    ),
    "delete-account": Entry("page with a form", {"owner": "200 200 200 405 405"}),
    # What learners do
    "grade": Entry("action with a form", {"owner": "302 302 422 405 405"}),
    "undo": Entry("action", {"owner": "405 405 409 405 405"}, form={"log": "LOG"}),
    "catch-up-undo": Entry("action", form={"log": "LOG"}),
    "review-bury": Entry("action", form={}, by_htmx=SWAPS),
    "review-suspend": Entry("action", form={}, by_htmx=SWAPS),
    "break-cancel": Entry("action"),
    "pace": Entry("action with a form", form={"new_cards_per_day": "7"}),
    "interview-delete": Entry("action on one's own", form={}),
    "suspend": Entry("action", form={}),
    "release": Entry("action"),
    "bury": Entry("action", form={}),
    "reset": Entry("action with a form", form={"version": "1"}),
    "set-due": Entry("action with a form", form={"version": "1", "due_on": "2026-04-01"}),
    "send-one-now": Entry("action"),
    "try-address-again": Entry("action"),
    # The account
    "security": Entry("account page"),
    "end-other-sessions": Entry("account action", form={}),
    "end-session": Entry(
        "account action", {"owner": "405 405 303 405 405", "other": "405 405 404 405 405"}, form={}
    ),
    "confirm-again": Entry("account action"),
    "account_login": Entry("visitor's form"),
    "account_signup": Entry("visitor's form"),
    "account_logout": Entry(
        "public form", {"all": "200 200 302 405 200", "anonymous": "302 302 302 405 200"}, form={}
    ),
    "account_inactive": Entry("public page of the library"),
    "account_email_verification_sent": Entry("public page of the library"),
    "account_reset_password_done": Entry("public page of the library"),
    "account_reset_password_from_key_done": Entry("public page of the library"),
    "account_reset_password": Entry("public form"),
    "account_reset_password_from_key": Entry(
        "after the password again", {"anonymous": ELSEWHERE, "guest": ELSEWHERE}
    ),
    "account_confirm_login_code": Entry("public page", {"all": ELSEWHERE}),
    "account_confirm_email": Entry(
        "public form",
        {"all": "200 200 302 405 200"},
        form={},
        get_writes="allauth logs out who opens a link from somebody else's mail, and that is noted",
    ),
    "account_reauthenticate": Entry("account form"),
    "account_change_password": Entry("account form"),
    "account_set_password": Entry("after the password again"),
    "account_email": Entry("account form that leads on"),
    "usersessions_list": Entry("account form that leads on"),
    # Second factors
    "mfa_index": Entry("account page of the library"),
    "mfa_list_webauthn": Entry("account page of the library"),
    "mfa_authenticate": Entry("public page", {"all": ELSEWHERE}),
    "mfa_login_webauthn": Entry(
        "public page",
        {"anonymous": "302 302 302 *302/405 200", "guest": "302 302 302 *302/405 200", "all": ELSEWHERE},
    ),
    "mfa_reauthenticate": Entry("after the password again", {"staff": "200 200 200 *200/405 200"}),
    "mfa_reauthenticate_webauthn": Entry(
        "after the password again", only="all but who has the unreadable key"
    ),
    "mfa_activate_totp": Entry("after the password again"),
    "mfa_generate_recovery_codes": Entry("after the password again"),
    "mfa_add_webauthn": Entry("after the password again"),
    "mfa_remove_webauthn": Entry("after the password again"),
    "mfa_edit_webauthn": Entry("after the password again"),
    "mfa_deactivate_totp": Entry("second factor's"),
    "mfa_download_recovery_codes": Entry("second factor's"),
    "mfa_view_recovery_codes": Entry(
        "second factor's",
        {"owner": "404 404 405 405 200", "staff": "302 302 405 405 200", "unproven": "404 404 405 405 200"},
    ),
    # The admin
    "admin:index": Entry("admin page"),
    "admin:login": Entry(
        "admin elsewhere",
        {
            "anonymous": ELSEWHERE,
            "guest": ELSEWHERE,
            "owner": REFUSED,
            "staff": ELSEWHERE,
            "superuser": ELSEWHERE,
        },
    ),
    "admin:logout": Entry("admin page", {"staff": "405 405 200 405 200", "superuser": "405 405 200 405 200"}),
    "admin:password_change": Entry("admin elsewhere"),
    "admin:password_change_done": Entry("admin page to read"),
    "admin:autocomplete": Entry(
        "admin page to read", {"staff": "403 403 405 405 200", "superuser": "403 403 405 405 200"}
    ),
    "admin:jsi18n": Entry("admin page to read"),
    "admin:view_on_site": Entry("admin nothing"),
    "admin:app_list": Entry("admin page", {"staff": NOTHING}),
    "admin/(?P<url>.*)$": Entry("admin nothing"),
    **_model("accounts_user", add=False),
    **_model("accounts_accountevent", add=False, change=LOOK, delete=False),
    **_model("flashcards_deck"),
    **_model("flashcards_topic"),
    **_model("flashcards_card"),
    **_model("flashcards_reviewstate", add=False, change=LOOK, delete=False),
    **_model("flashcards_reviewlog", add=False, change=LOOK, delete=False),
    **_model("flashcards_reminder", add=False, change=LOOK, delete=False),
    **_model("auth_group"),
    **_model("account_emailaddress"),
}  # fmt: skip
