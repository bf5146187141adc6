"""Which passwords are good enough, and that only the right one opens."""

import pytest
from argon2 import PasswordHasher

from machinelabs_hub.auth import passwords
from machinelabs_hub.auth.passwords import WeakPassword, check_password


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short", "at least 10"),
        ("x" * 257, "at most 256"),
        ("abababababab", "four different"),
        ("1234567890", "row of digits"),
        ("9876543210", "row of digits"),
        ("Password123!", "first that a guesser tries"),
        ("jupyter2026!", "first that a guesser tries"),
        ("jane-doe-1984", "name with a few digits"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused_with_the_reason(password, says):
    with pytest.raises(WeakPassword, match=says):
        check_password(password, name="jane-doe", shortest=10)


@pytest.mark.parametrize(
    "password", ["a nice long phrase", "Änderung morgen früh", "correcthorse9"]
)
def test_a_long_password_of_any_letters_is_taken(password):
    assert check_password(password, name="jane", shortest=10)


def test_only_the_right_password_opens():
    kept = passwords.hash_password("a nice long phrase")
    assert "phrase" not in kept
    assert passwords.verify(kept, "a nice long phrase")
    assert not passwords.verify(kept, "a nice long phrasE")


def test_nothing_opens_an_account_that_is_not_there():
    assert not passwords.verify(None, "no account has this hash")


def test_a_password_is_the_same_however_a_keyboard_composes_it():
    kept = passwords.hash_password("Ångström units")
    assert passwords.verify(kept, "A\u030angstro\u0308m units")


def test_a_hash_of_weaker_parameters_is_noticed():
    assert passwords.is_outdated(
        PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("x")
    )
    assert not passwords.is_outdated(passwords.hash_password("x"))
