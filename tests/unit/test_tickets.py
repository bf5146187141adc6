"""Tickets of runs: what was signed is read back, and nothing else is."""

import base64
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from machinelabs_hub import tickets
from machinelabs_hub.tickets import BadTicket, Ticket, is_run, server_of, sign, verify

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "0f" * 32
TICKET = Ticket(
    run=12,
    user="ada",
    server="run-12",
    image="base",
    flavour="cpu-small",
    code="s3cret",
    exp=int(NOW.timestamp()) + 900,
)


def test_what_was_signed_is_read_back() -> None:
    assert verify(sign(TICKET, KEY), KEY, now=NOW) == TICKET


def test_a_ticket_is_good_until_its_time_and_not_at_it() -> None:
    text = sign(TICKET, KEY)
    assert verify(text, KEY, now=NOW + timedelta(seconds=899)) == TICKET
    with pytest.raises(BadTicket, match="too old"):
        verify(text, KEY, now=NOW + timedelta(seconds=900))


def test_another_sites_ticket_is_refused() -> None:
    with pytest.raises(BadTicket, match="not made by this site"):
        verify(sign(TICKET, "1e" * 32), KEY, now=NOW)


def test_a_ticket_changed_on_the_way_is_refused() -> None:
    seal = sign(TICKET, KEY).partition(".")[2]
    other = json.dumps(asdict(replace(TICKET, user="bob"))).encode()
    with pytest.raises(BadTicket):
        verify(f"{base64.urlsafe_b64encode(other).decode()}.{seal}", KEY, now=NOW)


@pytest.mark.parametrize("text", [None, "", ".", "a", "a.b", "é.é", 7, {}, "x" * 5000])
def test_what_is_no_ticket_is_refused(text: object) -> None:
    with pytest.raises(BadTicket):
        verify(text, KEY, now=NOW)


def test_a_signed_thing_that_is_no_ticket_is_refused() -> None:
    body = tickets._encode(b"[1]")
    with pytest.raises(BadTicket):
        verify(f"{body}.{tickets._encode(tickets._seal(body, KEY))}", KEY, now=NOW)


def test_runs_are_known_by_their_servers_names() -> None:
    assert server_of(12) == "run-12"
    assert is_run(server_of(12))
    assert not is_run("")
    assert not is_run("dry-run-1")
