"""Keys of creates: whose they are, how long they are kept, what a killed process leaves."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.integration.labs.conftest import As
from tests.support.many_labs import tar_of

from machinelabs_hub.db.tables.requests import IdempotencyRow
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import LabDraft
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.idempotency import (
    HOURS,
    BadKey,
    KeyDone,
    KeyInUse,
    OnceService,
    recover,
)
from machinelabs_hub.labs.services.labs import NameTaken
from machinelabs_hub.labs.services.tools import Tools


def test_an_answer_is_kept_for_its_person_and_a_day(tools: Tools) -> None:
    ada = OnceService(tools=tools, person="ada")
    assert ada.begin("k") is None
    with pytest.raises(KeyInUse):
        ada.begin("k")
    ada.end("k", "hash", 201, '{"name": "ä"}'.encode())
    kept = ada.begin("k")
    assert kept is not None
    assert (kept.request, kept.status, kept.body) == ("hash", 201, '{"name": "ä"}')
    assert OnceService(tools=tools, person="ben").begin("k") is None
    day_later = tools.clock() + timedelta(hours=HOURS, minutes=1)
    later = OnceService(tools=replace(tools, clock=lambda: day_later), person="ada")
    assert later.begin("other") is None
    with tools.sessions() as db:
        assert [row.key for row in db.query(IdempotencyRow)] == ["other"]


def test_what_failed_is_free_again_and_what_was_made_is_not(tools: Tools) -> None:
    ada = OnceService(tools=tools, person="ada")
    ada.begin("k")
    ada.release("k")
    assert ada.begin("k") is None
    ada.end("k", "hash", 201, b"{}")
    ada.release("k")
    assert ada.begin("k") is not None


def test_a_start_frees_what_a_killed_process_left_and_keeps_answers(tools: Tools) -> None:
    ada = OnceService(tools=tools, person="ada")
    ada.begin("left")
    ada.begin("made")
    ada.end("made", "hash", 201, b"{}")
    recover(tools)
    assert ada.begin("left") is None
    assert ada.begin("made") is not None


def makes(what: str, context: Context) -> str:
    """Make something of each kind; return what a key says of it."""
    lab = context.labs.publish(LabDraft(title="Digits"), tar_of({"a.py": b"1"}))
    if what == "lab":
        return lab.path
    context.revisions.publish("ada", "digits", base=1, message="", files=tar_of({"a.py": b"2"}))
    return f"r2 of {lab.path}"


@pytest.mark.parametrize("what", ["lab", "revision"])
def test_what_was_made_and_never_answered_is_not_made_again(
    tools: Tools, viewed_by: As, what: str
) -> None:
    ada = OnceService(tools=tools, person="ada")
    ada.begin("k")
    with ada.claimed("k"):
        made = makes(what, viewed_by(Person("ada", "Ada")))
    with pytest.raises(KeyInUse):
        ada.begin("k")
    # As after a kill here: the answer was never kept.
    recover(tools)
    with pytest.raises(KeyDone, match=f"made {made}, but the site stopped"):
        ada.begin("k")
    ada.release("k")
    with pytest.raises(KeyDone):
        ada.begin("k")


def test_what_was_taken_back_with_its_transaction_is_free_again(
    tools: Tools, viewed_by: As
) -> None:
    context = viewed_by(Person("ada", "Ada"))
    context.labs.publish(LabDraft(title="Digits", name="digits"), tar_of({"a.py": b"1"}))
    ada = OnceService(tools=tools, person="ada")
    ada.begin("k")
    with ada.claimed("k"), pytest.raises(NameTaken):
        context.labs.publish(LabDraft(title="Digits", name="digits"), tar_of({"a.py": b"1"}))
    recover(tools)
    assert ada.begin("k") is None


@pytest.mark.parametrize("key", ["", "k" * 256, "ä", "a\tb", "\x7f"])
def test_what_no_header_can_hold_is_no_key(tools: Tools, key: str) -> None:
    with pytest.raises(BadKey):
        OnceService(tools=tools, person="ada").begin(key)
