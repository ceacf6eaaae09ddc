"""Why a mail didn't leave, and so what comes next: was it the address, the mail, or the moment?"""

import re
import smtplib
import sys
from email.errors import MessageError
from enum import Enum
from typing import Any, Final

from accounts.mailing import ERRORS

__all__ = ["ERRORS", "Trouble", "classify"]

LONGEST: Final = 200  # characters, as Reminder.reason

# An answer to RCPT TO: basic codes that speak of the mailbox, and enhanced ones (RFC 3463) that know better.
# Servers refuse whom they don't like with 550 too, and add 5.7 then: that isn't the address's fault.
MAILBOX: Final = {550, 551, 553}
MAILBOX_STATUS: Final = re.compile(r"5\.(1\.\d+|2\.1|4\.1)")
OTHER_STATUS: Final = re.compile(r"5\.(1\.[78]|3\.\d+|4\.[02-9]|4\.\d\d+|6\.\d+|7\.\d+)")
FULL: Final = 552  # RFC 5321, 4.5.3.1.10: to be taken for a temporary one
FULL_STATUS: Final = "5.2.2"
STATUS: Final = re.compile(r"\s*([45]\.\d{1,3}\.\d{1,3})\b")
CLOSING: Final = 421  # smtplib has hung up by then
# What a provider answers when it is the mail it can't take. Anything else would hit the next one too.
BAD_REQUEST: Final = {400, 413, 415, 422}

ADDRESS_IN_TEXT: Final = re.compile(r"[^\s<>()\[\]\"',;:=]+(?:@|%40)[^\s<>()\[\]\"',;:]+")


class Trouble(Enum):
    """Whose fault it is.

    ADDRESS: nobody reads there, so nothing more is to be sent to it. MESSAGE: this mail can't be delivered,
    today or ever; another one may. TEMPORARY: again later. UNREACHABLE: the same, and other mails would fare
    no better; the connection is to be opened anew.
    """

    ADDRESS = "address"
    MESSAGE = "message"
    TEMPORARY = "temporary"
    UNREACHABLE = "unreachable"


def classify(error: Exception) -> tuple[Trouble, str]:
    """Return whose fault it is and what to note: codes and the server's words, at most 200 characters.

    No address stands in the text.
    """
    provider = sys.modules.get("anymail.exceptions")
    if provider and isinstance(error, provider.AnymailError):
        return _of_provider(error, provider), _noted(str(error))
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, answer = next(iter(error.recipients.values()))
            words = _words(answer)
            return _of_recipient(code, words), _noted(f"{code} {words}")
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError():
            final = Trouble.MESSAGE if isinstance(error, smtplib.SMTPDataError) else Trouble.TEMPORARY
            noted = _noted(f"{error.smtp_code} {_words(error.smtp_error)}")
            return _by_code(error.smtp_code, final), noted
        case smtplib.SMTPResponseException():  # at the greeting, STARTTLS or log-in
            return Trouble.UNREACHABLE, _noted(f"{error.smtp_code} {_words(error.smtp_error)}")
    return _of_another(error), _noted(f"{type(error).__name__}: {error}")


def _of_another(error: Exception) -> Trouble:
    if isinstance(error, OSError):  # before ValueError: an error of a certificate is both
        return Trouble.UNREACHABLE
    if isinstance(error, (ValueError, MessageError)):
        return Trouble.MESSAGE
    return Trouble.TEMPORARY


def _by_code(code: int, permanent: Trouble) -> Trouble:
    if code == CLOSING:
        return Trouble.UNREACHABLE
    return permanent if code // 100 == 5 else Trouble.TEMPORARY


def _of_recipient(code: int, words: str) -> Trouble:
    found = STATUS.match(words)
    status = found[1] if found else ""
    if code == FULL or status == FULL_STATUS:
        return Trouble.TEMPORARY
    of_mailbox = code in MAILBOX or bool(MAILBOX_STATUS.fullmatch(status))
    final = Trouble.ADDRESS if of_mailbox and not OTHER_STATUS.fullmatch(status) else Trouble.MESSAGE
    return _by_code(code, final)


def _of_provider(error: Any, provider: Any) -> Trouble:
    if isinstance(error, provider.AnymailRecipientsRefused):
        return Trouble.ADDRESS
    if not isinstance(error, provider.AnymailAPIError):
        return Trouble.MESSAGE
    if error.status_code in BAD_REQUEST:
        return Trouble.MESSAGE
    # Taken, but with words that anymail doesn't know.
    taken = error.status_code is not None and error.status_code // 100 == 2
    return Trouble.TEMPORARY if taken else Trouble.UNREACHABLE


def _words(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _noted(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    short = " ".join(ADDRESS_IN_TEXT.sub("(address)", printable).split())
    return short if len(short) <= LONGEST else short[: LONGEST - 1] + "…"
