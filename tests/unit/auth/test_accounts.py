"""Accounts, invitations and links on a real database, with a clock that the test turns."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from machinelabs_hub.auth.accounts import (
    AccountDisabled,
    Accounts,
    NameTaken,
    WrongPassword,
)
from machinelabs_hub.auth.failures import Failures
from machinelabs_hub.auth.former import FormerNames
from machinelabs_hub.auth.links import Invitations, LinkExpired, ResetLinks
from machinelabs_hub.auth.passwords import WeakPassword
from machinelabs_hub.auth.throttle import TooManyAttempts
from machinelabs_hub.auth_settings import Local
from machinelabs_hub.db.base import Base
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.errors import BadInput

GOOD = "a nice long phrase"
HERE = "192.0.2.1"


class Clock:
    def __init__(self):
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.now

    def turn(self, **by):
        self.now += timedelta(**by)


class Office:
    def __init__(self, path):
        self.clock = Clock()
        self.rule = Local(failures=3, failure_minutes=10, invitation_days=7)
        self.engine = open_engine(f"sqlite:///{path}")
        Base.metadata.create_all(self.engine)
        tools: dict[str, Any] = {"sessions": session_maker(self.engine), "clock": self.clock}
        self.former = FormerNames(**tools)
        self.accounts = Accounts(
            **tools,
            rule=self.rule,
            failures=Failures(**tools, rule=self.rule),
            former=self.former,
            kept_names=frozenset({"admin"}),
        )
        self.invitations = Invitations(**tools, accounts=self.accounts, rule=self.rule)
        self.resets = ResetLinks(**tools, rule=self.rule)


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path / "people.sqlite")
    yield made
    made.engine.dispose()


@pytest.fixture
def jane(office):
    return office.accounts.sign_up("jane", GOOD, address="192.0.2.99")


def test_wrong_name_and_wrong_password_are_told_alike(office, jane):
    with pytest.raises(WrongPassword) as wrong:
        office.accounts.sign_in("jane", "nope", address=HERE)
    with pytest.raises(WrongPassword) as nobody:
        office.accounts.sign_in("nobody", "nope", address=HERE)
    assert str(wrong.value) == str(nobody.value)


def test_an_unknown_name_costs_as_much_as_a_wrong_password(office, jane):
    def cost(name):
        began = time.process_time()
        with pytest.raises(WrongPassword):
            office.accounts.sign_in(name, "nope", address=HERE)
        return time.process_time() - began

    known = min(cost("jane") for _ in range(2))
    unknown = min(cost(f"nobody{number}") for number in range(2))
    assert 0.5 < unknown / known < 2


def test_the_right_password_does_not_help_during_the_pause(office, jane):
    for _ in range(3):
        with pytest.raises(WrongPassword):
            office.accounts.sign_in("jane", "nope", address=HERE)
    with pytest.raises(TooManyAttempts):
        office.accounts.sign_in("jane", GOOD, address=HERE)
    assert office.accounts.sign_in("jane", GOOD, address="192.0.2.2").name == "jane"
    office.clock.turn(minutes=11)
    assert office.accounts.sign_in("jane", GOOD, address=HERE).name == "jane"


def test_a_sign_in_that_works_forgives_the_failures_before(office, jane):
    for _ in range(4):
        for _ in range(2):
            with pytest.raises(WrongPassword):
                office.accounts.sign_in("jane", "nope", address=HERE)
        office.accounts.sign_in("jane", GOOD, address=HERE)


def test_guesses_at_the_old_password_are_counted_too(office, jane):
    for _ in range(3):
        with pytest.raises(WrongPassword):
            office.accounts.change_password("jane", old="nope", new=GOOD + "!", address=HERE)
    with pytest.raises(TooManyAttempts):
        office.accounts.change_password("jane", old=GOOD, new=GOOD + "!", address=HERE)


def test_open_sign_up_makes_a_few_accounts_from_one_address_at_a_time(office):
    for number in range(3):
        office.accounts.sign_up(f"jane{number}", GOOD, address=HERE)
    with pytest.raises(TooManyAttempts):
        office.accounts.sign_up("jane9", GOOD, address=HERE)
    assert office.accounts.find("jane9") is None


def test_a_disabled_account_is_refused_only_to_who_knows_the_password(office, jane):
    office.accounts.set_disabled("jane", is_disabled=True)
    with pytest.raises(WrongPassword):
        office.accounts.sign_in("jane", "nope", address=HERE)
    with pytest.raises(AccountDisabled):
        office.accounts.sign_in("jane", GOOD, address=HERE)
    office.accounts.set_disabled("jane", is_disabled=False)
    assert office.accounts.sign_in("jane", GOOD, address=HERE)


@pytest.mark.parametrize(
    "name", ["", "Jane", "a/b", "-a", "a" * 33, "labs", "../x", "jané", "a--b"]
)
def test_a_name_that_cannot_be_used_makes_no_account(office, name):
    with pytest.raises(BadInput):
        office.accounts.sign_up(name, GOOD, address=HERE)
    assert office.accounts.list() == {}


def test_taken_kept_and_former_names_are_refused(office, jane):
    office.former.keep("gone", home_kept=True, labs_kept=False)
    for name in ("jane", "admin", "gone"):
        with pytest.raises(NameTaken):
            office.accounts.sign_up(name, GOOD, address=HERE)


def test_an_invitation_with_a_name_gives_a_former_name_back(office):
    office.former.keep("gone", home_kept=True, labs_kept=True)
    token = office.invitations.create(by="admin", name="gone")
    account, _ = office.invitations.redeem(token, name="somebody-else", password=GOOD)
    assert account.name == "gone"


def test_an_invitation_makes_as_many_accounts_as_it_says(office):
    token = office.invitations.create(by="admin", group="students", uses=2)
    for name in ("jane", "john"):
        account, group = office.invitations.redeem(token, name=name, password=GOOD)
        assert (account.name, group) == (name, "students")
    with pytest.raises(LinkExpired):
        office.invitations.redeem(token, name="jim", password=GOOD)
    assert office.invitations.list() == []


def test_a_refused_account_takes_no_use_of_the_invitation(office, jane):
    token = office.invitations.create(by="admin")
    with pytest.raises(WeakPassword):
        office.invitations.redeem(token, name="john", password="short")
    with pytest.raises(NameTaken):
        office.invitations.redeem(token, name="jane", password=GOOD)
    assert office.invitations.redeem(token, name="john", password=GOOD)


def test_an_invitation_ends_with_its_days_or_when_withdrawn(office):
    old = office.invitations.create(by="admin", days=2)
    withdrawn = office.invitations.create(by="admin")
    office.invitations.withdraw(office.invitations.find(withdrawn).id)
    office.clock.turn(days=2, seconds=1)
    for token in (old, withdrawn, "never-was"):
        with pytest.raises(LinkExpired):
            office.invitations.redeem(token, name="jane", password=GOOD)


@pytest.mark.parametrize("wrong", [{"uses": 0}, {"uses": 1001}, {"days": 366}, {"group": "Ä b"}])
def test_an_invitation_that_makes_no_sense_is_refused(office, wrong):
    with pytest.raises(BadInput):
        office.invitations.create(by="admin", **wrong)


def test_a_password_link_works_once_and_the_newest_alone(office, jane):
    first = office.resets.create("jane", by="admin")
    second = office.resets.create("jane", by="admin")
    with pytest.raises(LinkExpired):
        office.resets.use(first, "another long phrase")
    assert office.resets.use(second, "another long phrase") == "jane"
    with pytest.raises(LinkExpired):
        office.resets.use(second, "a third long phrase")
    assert office.accounts.sign_in("jane", "another long phrase", address=HERE)


def test_a_password_link_ends_after_a_day_and_survives_a_weak_password(office, jane):
    token = office.resets.create("jane", by="admin")
    with pytest.raises(WeakPassword):
        office.resets.use(token, "short")
    assert office.resets.find(token) == "jane"
    office.clock.turn(hours=25)
    with pytest.raises(LinkExpired):
        office.resets.find(token)


def test_the_database_holds_no_password_and_no_token(office, jane, tmp_path):
    token = office.invitations.create(by="admin")
    link = office.resets.create("jane", by="admin")
    with pytest.raises(WrongPassword):
        office.accounts.sign_in("my secret typed as a name", "x", address=HERE)
    office.engine.dispose()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (GOOD, token, link, "my secret typed as a name"):
        assert secret.encode() not in kept
