"""Looks at a mail as it came over the wire, for what a mail server or a mail program would trip over."""

import re
from collections import Counter
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses

LONGEST_LINE = 998  # RFC 5322, 2.1.1, without the line's end
EXACTLY_ONE = (
    "From To Subject Date Message-ID MIME-Version Content-Type "
    "List-ID List-Unsubscribe List-Unsubscribe-Post Auto-Submitted"
).split()
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

Headers = list[tuple[str, object]]


def parsed(content: bytes) -> EmailMessage:
    """Return the mail with its parts."""
    mail = BytesParser(policy=policy.default).parsebytes(content)
    assert isinstance(mail, EmailMessage)
    return mail


def troubles(content: bytes, recipients: list[str]) -> list[str]:
    """Return what is wrong with a mail that was handed over for these recipients."""
    mail = parsed(content)
    headers = [(name.lower(), value) for name, value in mail.items()]
    names = Counter(name for name, _ in headers)
    found = [f"{name}: {names[name.lower()]} times" for name in EXACTLY_ONE if names[name.lower()] != 1]
    found += [f"{name} is shown" for name in ("Bcc", "Cc") if names[name.lower()]]
    found += _lines(content) + _defects(mail, headers)
    if len(recipients) != 1:
        found.append(f"{len(recipients)} recipients")
    if _addresses(headers, "to") != set(recipients):
        found.append("To isn't who gets it")
    if strangers := _written(mail) - set(recipients) - _addresses(headers, "from"):
        found.append(f"names {', '.join(sorted(strangers))}")
    return found


def _lines(content: bytes) -> list[str]:
    lines = content.split(b"\r\n")
    found = [f"a line of {len(line)} bytes" for line in lines if len(line) > LONGEST_LINE]
    return found + ["a bare CR, LF or NUL" for line in lines if re.search(rb"[\r\n\0]", line)]


def _defects(mail: EmailMessage, headers: Headers) -> list[str]:
    defects = [defect for part in mail.walk() for defect in part.defects]
    defects += [defect for _, value in headers for defect in getattr(value, "defects", ())]
    return [f"defect: {defect}" for defect in defects]


def _addresses(headers: Headers, wanted: str) -> set[str]:
    return {address for _, address in getaddresses([str(value) for name, value in headers if name == wanted])}


def _written(mail: EmailMessage) -> set[str]:
    """Return the addresses in the text that somebody reads."""
    texts = [part for part in mail.walk() if not part.is_multipart()]
    return {address for part in texts for address in ADDRESS.findall(str(part.get_content()))}
