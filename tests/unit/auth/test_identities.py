"""A provider's people keep one name here, and never share one."""

import pytest

from machinelabs_hub.auth.accounts import add_account
from machinelabs_hub.auth.clock import now_utc
from machinelabs_hub.auth.former import FormerNames
from machinelabs_hub.auth.identities import Identities, Identity, name_from_login
from machinelabs_hub.db.base import Base
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.errors import BadInput


@pytest.fixture
def sessions(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/people.sqlite")
    Base.metadata.create_all(engine)
    yield session_maker(engine)
    engine.dispose()


@pytest.fixture
def identities(sessions):
    return Identities(sessions=sessions, former=FormerNames(sessions=sessions))


def someone(subject, login):
    return Identity(provider="oidc:https://id.example.org", subject=subject, login=login)


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("jane", "jane"),
        ("Jane.Doe@example.org", "jane-doe"),
        ("Łucja_Ångström", "ucja-angstrom"),
        ("007bond", "u007bond"),
        ("labs", "labs-1"),
        ("x" * 80, "x" * 28),
        ("--a--b--", "a-b"),
    ],
)
def test_a_login_becomes_a_name_that_a_person_here_can_have(login, name):
    assert name_from_login(login) == name


@pytest.mark.parametrize("login", ["", "@", "…", "日本"])
def test_a_login_without_a_usable_letter_is_refused_with_a_sentence(login):
    with pytest.raises(BadInput, match="Ask an admin"):
        name_from_login(login)


def test_a_person_keeps_their_name_when_the_provider_renames_them(identities):
    assert identities.name_of(someone("1", "jane")) == "jane"
    assert identities.name_of(someone("1", "jane.married")) == "jane"


def test_two_people_whose_logins_look_alike_are_two_people(identities):
    names = [
        identities.name_of(someone(str(n), login))
        for n, login in enumerate(["jane.doe", "jane-doe", "Jane_Doe@example.org"])
    ]
    assert names == ["jane-doe", "jane-doe-2", "jane-doe-3"]


def test_the_same_subject_at_another_provider_is_somebody_else(identities):
    first = identities.name_of(someone("1", "jane"))
    other = identities.name_of(Identity(provider="github:", subject="1", login="jane"))
    assert first != other


def test_a_login_that_somebody_came_with_is_not_given_to_a_newcomer(identities):
    identities.name_of(someone("1", "jane"))
    assert identities.owns_login(someone("1", "jane"))
    assert not identities.owns_login(someone("2", "JANE"))


def test_a_name_of_an_account_or_of_a_deleted_person_is_not_given_away(identities, sessions):
    with sessions() as db:
        add_account(db, "jane", "kept", now_utc())
    FormerNames(sessions=sessions).keep("jane-2", home_kept=True, labs_kept=False)
    assert identities.name_of(someone("1", "jane")) == "jane-3"
