"""Keys of creates: whose they are, how long they are kept, what a killed process leaves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from machinelabs_hub.db.tables.requests import IdempotencyRow
from machinelabs_hub.labs.services.idempotency import HOURS, BadKey, KeyInUse, OnceService, recover
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


@pytest.mark.parametrize("key", ["", "k" * 256, "ä", "a\tb", "\x7f"])
def test_what_no_header_can_hold_is_no_key(tools: Tools, key: str) -> None:
    with pytest.raises(BadKey):
        OnceService(tools=tools, person="ada").begin(key)
