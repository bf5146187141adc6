"""What git says when it pushes is read strictly, and answered in its own lines."""

import io

import pytest

from machinelabs_hub.labs.storage.pktline import (
    FLUSH,
    NOTHING,
    BadTalk,
    Order,
    Push,
    advertisement,
    line,
    read_push,
    report,
)

ONE, TWO = "1" * 40, "2" * 40
MAIN = "refs/heads/main"


def test_a_push_is_read_up_to_its_pack() -> None:
    told = line(f"shallow {TWO}\n") + line(f"{ONE} {TWO} {MAIN}\0 report-status quiet\n")
    body = io.BytesIO(told + line(f"{NOTHING} {ONE} refs/tags/v1") + FLUSH + b"PACK")
    push = read_push(body)
    assert push.orders == (Order(MAIN, ONE, TWO), Order("refs/tags/v1", NOTHING, ONE))
    assert push.abilities == {"report-status", "quiet"}
    assert body.read() == b"PACK"


def test_nothing_is_asked_by_a_client_that_only_looks_whether_it_may() -> None:
    assert read_push(io.BytesIO(FLUSH)) == Push((), frozenset())
    assert read_push(io.BytesIO(b"")) == Push((), frozenset())


@pytest.mark.parametrize(
    "body",
    [b"zzzz", b"0003", b"ffff", line("hello"), line(f"{ONE} {MAIN}"), line(f"{ONE} x {MAIN}")],
)
def test_what_is_not_git_is_refused(body: bytes) -> None:
    with pytest.raises(BadTalk):
        read_push(io.BytesIO(body))


def test_more_orders_than_anybody_gives_are_refused() -> None:
    with pytest.raises(BadTalk):
        read_push(io.BytesIO(line(f"{ONE} {TWO} {MAIN}") * 3000 + FLUSH))


def test_refs_are_told_with_our_abilities() -> None:
    told = advertisement({MAIN: ONE, "refs/tags/r1": TWO}, "report-status")
    assert told == (line(f"{ONE} {MAIN}\0report-status\n") + line(f"{TWO} refs/tags/r1\n") + FLUSH)
    assert advertisement({}, "quiet").startswith(line(f"{NOTHING} capabilities^{{}}\0quiet\n"))


def test_a_refusal_is_a_reason_for_git_and_a_sentence_for_the_pusher() -> None:
    push = Push((Order(MAIN, ONE, TWO),), frozenset({"report-status", "side-band-64k"}))
    told = report(push, {MAIN: "fetch first"}, ["Ada published r2."])
    assert line(b"\x02Ada published r2.\n") in told
    assert f"ng {MAIN} fetch first\n".encode() in told
    assert told.endswith(FLUSH)
    assert f"ok {MAIN}\n".encode() in report(push, {MAIN: ""}, [])
