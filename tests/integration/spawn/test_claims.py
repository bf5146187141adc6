"""Claims cannot leak: what the engine holds is the truth, whatever happens to hub and engine."""

import os
import sqlite3
import time
from contextlib import closing

import pytest
from tests.support.card_site import CardSite, running_with_cards
from tests.support.claim_storm import Disaster, Storm
from tests.support.claim_watch import Watch
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine

SEED = 48
"""Of the first 16 cycles one meets a hub that is killed, two an engine that fails, one a hook."""


def prove(cycles: int) -> Storm:
    """Let a storm go over a site; assert that it did no harm, and print what was seen."""
    with running_with_cards() as site:
        storm = Storm(site, cycles, SEED)
        watch = Watch(site.cards, site.files.database, storm.is_excused)
        watch.begin()
        began = time.monotonic()
        try:
            storm.run()
            seconds = time.monotonic() - began
            wait_for_the_last(site)
        except BaseException:
            print(site.log("hub")[-6000:])
            raise
        finally:
            watch.end()
        watch.learn_cards()
        beside, together = watch.overlaps(running=False), watch.overlaps(running=True)
        print(
            f"\n{cycles} cycles in {seconds:.0f} s with {len(watch.containers)} containers: "
            f"{dict(storm.done)}; {dict(storm.disasters)}\n"
            f"two holders: {len(together)} while both ran, {len(beside)} while both were there; "
            f"leaked: {len(watch.leaked)}, the longest was alone for {watch.longest:.1f} s; "
            f"freed while it ran: {len(watch.freed_alive())}, while it was there: "
            f"{len(watch.freed_early())}, opened anew: {len(watch.reopened)}"
        )
        for one in (*watch.freed_alive(), *watch.freed_early()):
            print(f"freed early, at {watch.ended[one.claim]}: {one}")
        for overlap in beside:
            print(f"both there: {[watch.containers[key] for key in overlap.containers]}")
        assert together == []
        assert beside == []
        assert watch.leaked == set()
        assert watch.freed_alive() == []
        assert watch.freed_early() == []
        assert watch.reopened == set()
        assert [one.id for one in watch.containers.values() if one.gone is None] == []
        assert {one.claim for one in watch.containers.values()} <= set(watch.ended)
    return storm


def wait_for_the_last(site: CardSite) -> None:
    """Wait until no claim is left, at most its 30 seconds."""

    def is_none_left() -> bool:
        with closing(sqlite3.connect(site.files.database)) as db:
            live = db.execute("select count(*) from claims where ended_at is null").fetchone()
        return bool(live == (0,))

    wait_until(is_none_left, seconds=32, what="all claims ended")
    time.sleep(2)


@pytest.mark.timeout(600)
def test_a_few_disasters_give_no_card_two_holders_and_leave_no_claim() -> None:
    storm = prove(16)
    assert Disaster.HUB in storm.disasters
    assert Disaster.ENGINE in storm.disasters


@pytest.mark.proof
@pytest.mark.timeout(5400)
@pytest.mark.skipif(not os.environ.get("MACHINELABS_PROOF"), reason="make proof runs it in full")
def test_500_cycles_give_no_card_two_holders_and_leave_no_claim() -> None:
    prove(500)
