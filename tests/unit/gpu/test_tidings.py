"""Whoever holds a card that fails, or that somebody else has too, is told so, and nobody else."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.support.gpus import a_claim, a_gpu

from machinelabs_hub.gpu.model import Health, Holder
from machinelabs_hub.gpu.reconcile import Clash
from machinelabs_hub.gpu.tidings import tidings

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_the_holders_of_a_failed_card_are_told_why() -> None:
    devices = [
        replace(a_gpu("a", health=Health.FAILED), why="It has fallen off the bus."),
        a_gpu("b"),
    ]
    mine = replace(a_claim("a"), holder=Holder("ada"))
    other = replace(a_claim("b"), holder=Holder("bob"))
    (notice,) = tidings([mine, other], devices, [], NOW)
    assert (notice.user, notice.kind) == ("ada", "card")
    assert "It has fallen off the bus." in notice.sentence


def test_a_card_that_is_only_kept_back_goes_on_for_its_holder() -> None:
    devices = [a_gpu("a", health=Health.DRAINED)]
    assert list(tidings([a_claim("a")], devices, [], NOW)) == []


def test_of_two_holders_those_who_are_people_are_told() -> None:
    mine = replace(a_claim("a"), holder=Holder("ada"), container="c1")
    by_hand = replace(a_claim("a"), holder=Holder("", "by-hand"), container="c2")
    clash = Clash("a", ("c1", "c2"))
    (notice,) = tidings([mine, by_hand], [a_gpu("a")], [clash], NOW)
    assert notice.user == "ada"
    assert list(tidings([mine], [a_gpu("a")], [clash], NOW))[0].id == notice.id  # noqa: RUF015
