"""Which passwords are taken: long enough, on no list, and not what anybody would try first."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from tests.accounts.people import browser, sign_up, text_of

ADA = User(email="ada.lovelace@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "short7!",
        "password1",
        "Password1234",
        "iloveyou",
        "trustno1",
        "8675309867",
        "ada.lovelace",
        "Lovelace2024",
        "ada.lovelace@example.org",
        "lovelace-ada!",
        "example1234",
        "engram123",
        "Engram2026",
        "engramengram",
        "engram-flashcards",
        "aaaaaaaaaaaa",
        "abababababab",
        "abcdefgh",
        "87654321ab",
        "qwertzuiop12",
        "asdfghjkl1",
        "abcabcabcabc",
    ],
)
def test_what_is_tried_first_is_refused(password):
    with pytest.raises(ValidationError):
        validate_password(password, ADA)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "Tr0ub4dor&3x",
        "gradient descent at dawn",
        "my engram is seven words long",
        "пароль из нескольких слов",
        "🦑" * 9,
        "x7#Kq2!vLm",
        "abcd-but-then-not",
        "lovelace wrote the first program",
    ],
)
def test_what_takes_long_to_guess_is_taken(password):
    validate_password(password, ADA)


def test_the_rules_also_hold_where_nobody_is_known_yet():
    with pytest.raises(ValidationError):
        validate_password("qwertyuiop12")
    validate_password("correct horse battery")


@pytest.mark.django_db
def test_signing_up_says_what_is_wrong_with_a_password():
    page = text_of(sign_up(browser(), email="ada.lovelace@example.org", password="lovelace2024"))
    assert "tried first" in page or "too similar" in page
    assert not User.objects.exists()
