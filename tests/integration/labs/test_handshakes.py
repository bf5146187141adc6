"""Signing a program in: its code, its end, and its token, which is given out once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from machinelabs_hub.db.tables.requests import HandshakeRow
from machinelabs_hub.labs.services.handshakes import MINUTES, HandshakeService, NoHandshake
from machinelabs_hub.labs.services.rates import TooMany
from machinelabs_hub.labs.services.tools import HANDSHAKES_PER_HOUR, Tools


@pytest.fixture
def service(tools: Tools) -> HandshakeService:
    return HandshakeService(tools=tools)


def later(tools: Tools, minutes: float) -> Callable[[], datetime]:
    at = tools.clock() + timedelta(minutes=minutes)
    return lambda: at


def test_a_granted_token_is_given_out_once(tools: Tools, service: HandshakeService) -> None:
    begun = service.begin("tower\x1b[31m", address="a")
    code = begun.handshake.code
    assert begun.handshake.device == "tower[31m"
    assert service.fetch(begun.secret)[1] is None
    assert service.waiting(code.lower().replace("-", " ")).code == code
    service.grant(code, "ada", b"sealed")
    with pytest.raises(NoHandshake):
        service.waiting(code)
    with pytest.raises(NoHandshake):
        service.grant(code, "eve", b"other")
    handshake, sealed = service.fetch(begun.secret)
    assert (handshake.person, sealed) == ("ada", b"sealed")
    with pytest.raises(NoHandshake):
        service.fetch(begun.secret)
    with tools.sessions() as db:
        assert db.query(HandshakeRow).count() == 0


def test_a_no_is_told_and_forgotten(service: HandshakeService) -> None:
    begun = service.begin("tower", address="a")
    service.refuse(begun.handshake.code, "ada")
    handshake, sealed = service.fetch(begun.secret)
    assert (handshake.person, sealed) == ("ada", None)
    with pytest.raises(NoHandshake):
        service.fetch(begun.secret)


def test_a_code_ends_after_minutes_answered_or_not(tools: Tools, service: HandshakeService) -> None:
    begun, other = service.begin("one", address="a"), service.begin("two", address="a")
    service.grant(other.handshake.code, "ada", b"sealed")
    late = HandshakeService(tools=replace(tools, clock=later(tools, MINUTES + 0.1)))
    for ask in (
        lambda: late.waiting(begun.handshake.code),
        lambda: late.grant(begun.handshake.code, "ada", b"sealed"),
        lambda: late.fetch(begun.secret),
        lambda: late.fetch(other.secret),
    ):
        with pytest.raises(NoHandshake):
            ask()
    late.begin("three", address="a")
    with tools.sessions() as db:
        assert [row.device for row in db.query(HandshakeRow)] == ["three"]


def test_of_many_that_fetch_at_once_one_gets_the_token(service: HandshakeService) -> None:
    begun = service.begin("tower", address="a")
    service.grant(begun.handshake.code, "ada", b"sealed")
    got: list[bytes | None] = []

    def fetch() -> None:
        try:
            got.append(service.fetch(begun.secret)[1])
        except NoHandshake:
            got.append(None)

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got, key=bool) == [None] * 7 + [b"sealed"]


def test_very_many_from_one_address_are_turned_away(service: HandshakeService) -> None:
    for _ in range(HANDSHAKES_PER_HOUR):
        service.begin("x", address="a")
    with pytest.raises(TooMany):
        service.begin("x", address="a")
    service.begin("x", address="b")


def test_neither_secret_nor_code_can_be_guessed(tools: Tools, service: HandshakeService) -> None:
    begun = [service.begin("x", address="a") for _ in range(50)]
    assert len({one.secret for one in begun} | {one.handshake.code for one in begun}) == 100
    assert all(len(one.secret) >= 43 for one in begun)
    with tools.sessions() as db:
        rows = list(db.query(HandshakeRow))
        assert not {row.secret_hash for row in rows} & {one.secret for one in begun}
