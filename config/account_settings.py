"""Accounts as Django's and allauth's settings: who gets in, how, and how often one may try.

The e-mail address is the identity, and confirming it is no gate to studying. "strict" lets a sign-up with a
taken address go through, so that it can't be told from any other: docs/decisions/0004-accounts.md, and
0011-second-factor-and-sessions.md for what comes after the password.
"""

import re
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

VALIDATORS: Final = (
    "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
    "django.contrib.auth.password_validation.MinimumLengthValidator",
    "django.contrib.auth.password_validation.CommonPasswordValidator",
    "django.contrib.auth.password_validation.NumericPasswordValidator",
    "accounts.passwords.GuessableValidator",
)
ACCOUNT_FORMS: Final = {
    "add_email": "accounts.forms.ChangeAddressForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "login": "accounts.forms.LoginForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "signup": "accounts.forms.SignupForm",
}
MFA_FORMS: Final = {
    "activate_totp": "accounts.factor_forms.ActivateTOTPForm",
    "add_webauthn": "accounts.factor_forms.AddPasskeyForm",
    "authenticate": "accounts.factor_forms.AuthenticateForm",
    "edit_webauthn": "accounts.factor_forms.RenamePasskeyForm",
    "reauthenticate": "accounts.factor_forms.ReauthenticateForm",
}
# "guest": "20/m/ip" is 20 visitors a minute from one client; "key" is an address, "user" an account.
RATE_LIMITS: Final = {
    "guest": "20/m/ip",
    "send_one_now": "5/h/user",
    "signup_again": "5/5m/key",
}


def of(base_url: str, proxies: int | None) -> dict[str, Any]:
    """Return the settings by their names.

    `proxies` stand between a client and us, each adding its peer's address to X-Forwarded-For; None: one
    with https, which needs one, else none. Limits count by the address that the last of ours saw.
    """
    https = base_url.startswith("https://")
    return {
        "AUTHENTICATION_BACKENDS": ["accounts.backends.AddressBackend"],
        "AUTH_PASSWORD_VALIDATORS": [{"NAME": name} for name in VALIDATORS],
        "PASSWORD_HASHERS": [
            "django.contrib.auth.hashers.Argon2PasswordHasher",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        ],
        "ALLAUTH_TRUSTED_PROXY_COUNT": int(https) if proxies is None else proxies,
        **_of_allauth("https" if https else "http"),
        **_of_second_factors(base_url),
    }


def _of_allauth(protocol: str) -> dict[str, Any]:
    return {
        "ACCOUNT_ADAPTER": "accounts.adapter.AccountAdapter",
        "ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS": False,  # guests log in and sign up too (accounts.middleware)
        "ACCOUNT_CHANGE_EMAIL": True,
        "ACCOUNT_CONFIRM_EMAIL_ON_GET": False,
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": protocol,
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "",
        "ACCOUNT_EMAIL_VERIFICATION": "optional",
        "ACCOUNT_FORMS": ACCOUNT_FORMS,
        "ACCOUNT_LOGIN_METHODS": {"email"},
        "ACCOUNT_LOGOUT_REDIRECT_URL": "landing",
        "ACCOUNT_PREVENT_ENUMERATION": "strict",
        "ACCOUNT_RATE_LIMITS": dict(RATE_LIMITS),
        "ACCOUNT_REAUTHENTICATION_REQUIRED": True,
        "ACCOUNT_SESSION_REMEMBER": True,
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
        "ACCOUNT_UNIQUE_EMAIL": True,
        "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
        "USERSESSIONS_ADAPTER": "accounts.adapter.SessionsAdapter",
    }


def _of_second_factors(base_url: str) -> dict[str, Any]:
    passkeys = passkeys_work(base_url)
    return {
        "MFA_ADAPTER": "accounts.adapter.SecondFactorAdapter",
        # Our forms ask for a confirmed address; allauth would also refuse to change the address later on.
        "MFA_ALLOW_UNVERIFIED_EMAIL": True,
        "MFA_FORMS": MFA_FORMS,
        "MFA_PASSKEY_LOGIN_ENABLED": passkeys,
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"] + ["webauthn"] * passkeys,
        "MFA_TOTP_ISSUER": "Engram",
        # A code counts for half a minute before and after its own (once, see accounts.factor_forms): clocks
        # of phones differ, and a code that is read in its last second is typed in the next one.
        "MFA_TOTP_TOLERANCE": 1,
    }


def passkeys_work(base_url: str) -> bool:
    """Tell whether browsers allow passkeys at this address: https with a name, or this very machine."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost" or (parts.scheme == "https" and "." in host)
    return False


def admin_path(text: str) -> str:
    """Return where the admin is, without a slash before it and with one after.

    Raises ImproperlyConfigured for what isn't a path of its own.
    """
    path = text.strip().strip("/")
    if not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", path):
        raise ImproperlyConfigured(
            f"ADMIN_PATH is “{text}”, but has to be a path of letters, digits, “-”, “_” and “/”, such as "
            "back-office/."
        )
    return f"{path}/"
