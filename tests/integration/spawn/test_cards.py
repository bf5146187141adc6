"""Containers get the cards of their claims, from a real engine, and claims follow the engine."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from tests.support.card_site import CARDS, CardSite, running_with_cards
from tests.support.engine_proxy import Mode
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def site() -> Iterator[CardSite]:
    with running_with_cards() as site:
        yield site


@pytest.fixture(autouse=True)
def _nobody_holds_anything(site: CardSite) -> Iterator[None]:
    yield
    site.cards.proxy.switch(Mode.WELL)
    for person in site.operator("GET", "/users").json():
        if person.get("servers"):
            site.operator("DELETE", f"/users/{person['name']}/server")
    left = site.cards.run("container", "ls", "-aq", "--filter", "name=by-hand").split()
    if left:
        site.cards.run("container", "rm", "-f", *left)
    wait_until(lambda: not live(site), seconds=30, what="all claims end")


def live(site: CardSite) -> dict[str, list[str]]:
    """The cards of each holder, as the database has them."""
    query = (
        "select user || server, uuid from claims join claim_devices on claim_id = id "
        "where ended_at is null order by uuid"
    )
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(site.files.database)) as db:
        for holder, uuid in db.execute(query):
            found.setdefault(holder, []).append(uuid)
    return found


def told(site: CardSite, person: str) -> list[str]:
    """What the person's server is told at this moment."""
    query = "select sentence from notices where user = ? and ended_at is null"
    with closing(sqlite3.connect(site.files.database)) as db:
        return [row[0] for row in db.execute(query, (person,))]


def inspected(site: CardSite, container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.cards.run("inspect", container))[0]
    return found


def cards_of(site: CardSite, container: str) -> list[str]:
    """The cards that the engine was asked for."""
    requests = inspected(site, container)["HostConfig"]["DeviceRequests"] or []
    return [uuid for request in requests for uuid in request["DeviceIDs"]]


def seen_by(site: CardSite, container: str) -> list[str]:
    """What the container's first process was told of cards, all words of it."""
    pid = inspected(site, container)["State"]["Pid"]
    with open(f"/proc/{pid}/environ", encoding="utf-8") as file:  # noqa: PTH123
        variables = file.read().split("\0")
    name = "NVIDIA_VISIBLE_DEVICES="
    return [variable.removeprefix(name) for variable in variables if variable.startswith(name)]


def start(site: CardSite, person: str, flavour: str) -> str:
    return site.start_server(person, image="tiny", flavour=flavour).container


def ask(site: CardSite, person: str, flavour: str) -> None:
    """Ask for a server without waiting for it."""
    site.make_user(person)
    answer = site.operator(
        "POST", f"/users/{person}/server", json={"image": "tiny", "flavour": flavour}
    )
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text


def test_a_server_without_a_gpu_gets_none_whatever_its_image_asks_for(site: CardSite) -> None:
    container = start(site, "ada", "cpu")
    image = inspected(site, container)["Image"]
    assert "NVIDIA_VISIBLE_DEVICES=all" in inspected(site, image)["Config"]["Env"]
    assert cards_of(site, container) == []
    assert seen_by(site, container) == ["void"]
    assert live(site) == {}


def test_a_server_gets_exactly_the_cards_of_its_claim(site: CardSite) -> None:
    one, two = start(site, "ada", "whole"), start(site, "bob", "pair")
    assert len(cards_of(site, one)) == 1
    assert len(cards_of(site, two)) == 2
    assert not set(cards_of(site, one)) & set(cards_of(site, two))
    assert live(site) == {"ada": cards_of(site, one), "bob": sorted(cards_of(site, two))}
    for container in (one, two):
        # However often it is said: the engine adds its own word to the container's.
        assert set(seen_by(site, container)) == {",".join(cards_of(site, container))}


def test_two_halves_are_of_one_card(site: CardSite) -> None:
    halves = [cards_of(site, start(site, name, "half")) for name in ("ada", "bob", "cyd")]
    assert halves[0] == halves[1] != halves[2]


def test_a_card_that_somebody_holds_by_hand_is_not_handed_out(site: CardSite) -> None:
    for number, uuid in enumerate(CARDS[:3]):
        site.cards.run(
            "run", "-d", "--name", f"by-hand-{number}", "--gpus", f"device={uuid}",
            "test/tiny:1", "jupyterhub-singleuser",
        )  # fmt: skip
    wait_until(lambda: len(live(site)) == 3, seconds=15, what="they are noticed")
    assert cards_of(site, start(site, "ada", "whole")) == [CARDS[3]]
    ask(site, "bob", "whole")
    time.sleep(2)
    assert "bob" not in live(site)
    site.cards.run("rm", "-f", "by-hand-1")
    wait_until(lambda: live(site).get("bob") == [CARDS[1]], seconds=20, what="it is bob's turn")


def test_a_container_that_is_removed_by_hand_gives_its_card_back_at_once(site: CardSite) -> None:
    container = start(site, "ada", "whole")
    site.cards.run("rm", "-f", container)
    seconds = wait_until(lambda: not live(site), seconds=10, what="the card is free")
    assert seconds < 5, "the engine told of it"


def test_claims_and_servers_outlast_a_hub_that_is_killed(site: CardSite) -> None:
    held = cards_of(site, start(site, "ada", "whole"))
    site.kill_hub()
    site.start_hub()
    time.sleep(7)
    assert live(site) == {"ada": held}
    others = {
        uuid
        for name in ("bob", "cyd", "dan")
        for uuid in cards_of(site, start(site, name, "whole"))
    }
    assert others == set(CARDS) - set(held)
    site.stop_server("ada")
    wait_until(lambda: "ada" not in live(site), seconds=5, what="her card is free")


@pytest.mark.parametrize("mode", [Mode.REFUSES, Mode.FAILS, Mode.HANGS])
def test_while_the_engine_is_unknown_no_claim_ends_and_all_are_true_afterwards(
    site: CardSite, mode: Mode
) -> None:
    kept, lost = start(site, "ada", "whole"), start(site, "bob", "whole")
    held = live(site)
    site.cards.proxy.switch(mode)
    site.cards.run("rm", "-f", lost)
    site.kill_hub()
    site.start_hub()
    time.sleep(8)
    assert live(site) == held
    site.cards.proxy.switch(Mode.WELL)
    wait_until(
        lambda: live(site) == {"ada": cards_of(site, kept)}, seconds=30, what="claims are true"
    )


def test_a_start_that_fails_gives_its_card_back(site: CardSite) -> None:
    site.make_user("ada")
    site.operator("POST", "/users/ada/server", json={"image": "broken", "flavour": "pair"})
    wait_until(lambda: "ada" in live(site), seconds=10, what="the cards are granted")
    wait_until(lambda: not live(site), seconds=30, what="they are given back")
    site.cards.refuse_cards(refuses=True)
    site.operator("POST", "/users/ada/server", json={"image": "tiny", "flavour": "pair"})
    wait_until(lambda: "ada" in live(site), seconds=10, what="the cards are granted again")
    wait_until(lambda: not live(site), seconds=30, what="they are given back again")
    site.cards.refuse_cards(refuses=False)
    assert len(cards_of(site, start(site, "ada", "pair"))) == 2


def test_what_a_frozen_engine_makes_late_for_a_hub_that_died_is_removed(site: CardSite) -> None:
    site.make_user("ada")
    with site.cards.frozen():
        site.operator("POST", "/users/ada/server", json={"image": "tiny", "flavour": "whole"})
        wait_until(lambda: "ada" in live(site), seconds=15, what="the card is granted")
        # The engine has the order in its socket, and nobody waits for its answer any more.
        time.sleep(2)
        site.kill_hub()
        site.start_hub()
        assert "ada" in live(site)
    wait_until(lambda: not live(site), seconds=30, what="the claim ends")
    assert site.cards.run("container", "ls", "-aq", "--filter", "label=machinelabs.claim") == ""
    assert len(cards_of(site, start(site, "ada", "whole"))) == 1


def test_two_holders_are_told_of_and_none_is_stopped(site: CardSite) -> None:
    container = start(site, "ada", "whole")
    (card,) = cards_of(site, container)
    site.cards.run(
        "run", "-d", "--name", "by-hand", "--gpus", f"device={card}", "test/tiny:1",
        "jupyterhub-singleuser",
    )  # fmt: skip
    wait_until(
        lambda: f"GPU {card} is held by several containers" in site.log("hub"),
        seconds=15,
        what="it is told",
    )
    for name in (container, "by-hand"):
        assert inspected(site, name)["State"]["Running"]
    (sentence,) = told(site, "ada")
    assert "Another program of this machine has this server's GPU too" in sentence
    site.cards.run("rm", "-f", "by-hand")
    wait_until(lambda: not told(site, "ada"), seconds=20, what="it holds no longer")


@pytest.mark.parametrize("mode", [Mode.REFUSES, Mode.FAILS, Mode.HANGS])
def test_routes_that_were_lost_while_the_engine_was_unknown_are_back_10_seconds_after(
    site: CardSite, mode: Mode
) -> None:
    server = site.start_server("ada", image="tiny", flavour="whole")
    site.cards.proxy.switch(mode)
    site.kill_hub()
    site.processes["proxy"].kill()
    site.processes["proxy"].wait()
    site.run_part("proxy")
    site.start_hub()
    site.cards.proxy.switch(Mode.WELL)

    def is_back() -> bool:
        # The tiny server answers everything with an empty object; the hub and the proxy do not.
        return httpx.get(f"{server.url}api", timeout=5).text == "{}"

    wait_until(is_back, seconds=10, what="the route is back")
    # The engine's events are heard again.
    site.cards.run("rm", "-f", server.container)
    assert wait_until(lambda: not live(site), seconds=15, what="the card is free") < 8
