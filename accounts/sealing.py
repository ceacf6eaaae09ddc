"""Second factors' secrets, unreadable for whoever has the database without SECRET_KEY."""

import base64
import hashlib
import logging
from secrets import token_bytes

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

logger = logging.getLogger(__name__)


def sealed(text: str) -> str:
    """Return the text as it may be stored."""
    return _keys().encrypt(text.encode()).decode()


def opened(stored: str) -> str:
    """Return the text that was stored.

    One that was sealed under a key we no longer have opens as a random secret, which no code fits: the
    learner takes a way that is left, or staff resets the second factor.
    """
    try:
        return _keys().decrypt(stored.encode()).decode()
    except InvalidToken:
        logger.error("A second factor can't be read: SECRET_KEY is another than when it was stored")  # noqa: TRY400
        return base64.b32encode(token_bytes(20)).decode()


def _keys() -> MultiFernet:
    """Return the key of SECRET_KEY, which seals, and those of its predecessors, which still open."""
    return MultiFernet(
        [_key(str(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _key(secret: str) -> Fernet:
    digest = hashlib.sha256(b"accounts.sealing:" + secret.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
