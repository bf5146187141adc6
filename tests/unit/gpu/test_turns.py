"""Turns go by the line; large requests are not starved by small ones, nor reservations by anybody.

The long tests play a site with a virtual clock: people come, hold cards for a while, and go.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.gpus import NOON, a_claim, a_gpu

from machinelabs_hub.gpu.fairness import MOST
from machinelabs_hub.gpu.model import Ask, Gpu, Holder, Want
from machinelabs_hub.gpu.pool import Pool
from machinelabs_hub.gpu.ranks import Key, Ranks, Waiter
from machinelabs_hub.gpu.reservations import Occurrence, Reservation
from machinelabs_hub.gpu.turns import Slots, Turn, keep, next_turn

MINUTE = timedelta(minutes=1)
WHOLE, PAIR, QUARTER = Want(), Want(count=2), Want(share=4)
FLAVOURS = {"whole": WHOLE, "pair": PAIR, "quarter": QUARTER}


def a_waiter(
    user: str,
    flavour: str = "whole",
    *,
    at: datetime = NOON,
    late: timedelta = timedelta(),
    groups: Iterable[str] = (),
) -> Waiter:
    ask = Ask(
        holder=Holder(user), flavour=flavour, want=FLAVOURS[flavour], groups=frozenset(groups)
    )
    return Waiter(ask, at, late)


def a_line(*waiters: Waiter) -> Ranks:
    ranks = Ranks()
    for waiter in waiters:
        ranks.add(waiter)
    return ranks


def some_slots(
    *, kept: int, unused: int | None = None, flavour: str = "whole", group: str = "ml101"
) -> Slots:
    row = Reservation(
        id=7, group=group, flavour=flavour, slots=4, starts_at=NOON, ends_at=NOON + 60 * MINUTE
    )
    return Slots(
        row=row,
        now=Occurrence(row.starts_at, row.ends_at),
        want=FLAVOURS[flavour],
        kept=kept,
        unused=kept if unused is None else unused,
    )


def who(turn: Turn | None) -> str:
    return turn.waiter.ask.holder.user if turn else ""


CARDS = [a_gpu("a"), a_gpu("b"), a_gpu("c"), a_gpu("d")]


def test_who_used_least_is_first_and_of_equals_who_came_first() -> None:
    ranks = a_line(
        a_waiter("early-heavy", at=NOON, late=60 * MINUTE),
        a_waiter("late-light", at=NOON + 9 * MINUTE),
        a_waiter("middle-light", at=NOON + 5 * MINUTE),
    )
    order = []
    while turn := next_turn(Pool(CARDS), ranks, ()):
        order.append(who(turn))
        ranks.remove(turn.waiter.ask.holder)
    assert order == ["middle-light", "late-light", "early-heavy"]


def test_a_large_request_is_not_passed_by_small_ones_that_would_delay_it() -> None:
    ranks = a_line(a_waiter("large", "pair"), a_waiter("small", at=NOON + MINUTE))
    held = [a_claim(card) for card in "bcd"]
    assert next_turn(Pool(CARDS, held), ranks, ()) is None
    turn = next_turn(Pool(CARDS, held[1:]), ranks, ())
    assert turn is not None
    assert who(turn) == "large"
    assert set(turn.uuids) == {"a", "b"}


def test_a_small_request_goes_by_a_large_one_where_it_does_not_delay_it() -> None:
    ranks = a_line(a_waiter("large", "pair"), a_waiter("small", "quarter", at=NOON + MINUTE))
    held = [a_claim("b"), a_claim("c"), a_claim("d", share=4)]
    turn = next_turn(Pool(CARDS, held), ranks, ())
    # The large one waits for the whole of a and what is left of d; b and c are as good as d.
    assert turn is None
    held = [a_claim("a", share=2), *(a_claim(card) for card in "bcd")]
    two_nodes = [*CARDS, a_gpu("x", node="n2")]
    turn = next_turn(Pool(two_nodes, held), ranks, ())
    assert turn is not None
    assert (who(turn), turn.uuids) == ("small", ("x",))


def test_outsiders_cannot_take_what_is_kept_and_the_group_can() -> None:
    ranks = a_line(a_waiter("outsider"), a_waiter("student", at=NOON + MINUTE, groups=["ml101"]))
    held = [a_claim("a"), a_claim("b")]
    turn = next_turn(Pool(CARDS, held), ranks, [some_slots(kept=2)])
    assert turn is not None
    assert (who(turn), turn.reservation) == ("student", 7)
    ranks.remove(turn.waiter.ask.holder)
    assert next_turn(Pool(CARDS, held), ranks, [some_slots(kept=2)]) is None
    assert who(next_turn(Pool(CARDS, held), ranks, [some_slots(kept=1)])) == "outsider"


def test_a_group_whose_slots_are_all_used_waits_like_everybody() -> None:
    ranks = a_line(a_waiter("outsider"), a_waiter("student", at=NOON + MINUTE, groups=["ml101"]))
    turn = next_turn(Pool(CARDS), ranks, [some_slots(kept=0, unused=0)])
    assert turn is not None
    assert (who(turn), turn.reservation) == ("outsider", 0)


def test_a_slot_that_flowed_back_is_its_groups_again_when_they_come() -> None:
    ranks = a_line(a_waiter("outsider"), a_waiter("student", at=NOON + MINUTE, groups=["ml101"]))
    held = [a_claim(card) for card in "abc"]
    assert who(next_turn(Pool(CARDS, held), ranks, [some_slots(kept=0, unused=1)])) == "student"
    held.append(a_claim("d"))
    assert next_turn(Pool(CARDS, held), ranks, [some_slots(kept=0, unused=1)]) is None


def test_whoever_holds_what_a_reservation_needs_can_be_told() -> None:
    held = [a_claim(card) for card in "abc"]
    (kept,) = keep(Pool(CARDS, held), [some_slots(kept=1)])
    assert (kept.uuids, kept.awaited) == ({"d"}, [])
    (kept,) = keep(Pool(CARDS, held), [some_slots(kept=3)])
    assert kept.uuids == {"d"}
    assert len(kept.awaited) == 2
    assert set(kept.awaited) < {"a", "b", "c"}


def test_nobody_is_served_by_a_card_that_is_not_there() -> None:
    assert next_turn(Pool([]), a_line(a_waiter("ada")), [some_slots(kept=2)]) is None


LONGEST = 60
"""Minutes that somebody holds a card at most."""

STEPS = 4
"""A card can be emptied in so many steps: it is shared by four at most."""


@dataclass
class Site:
    """A site with a virtual clock, in minutes."""

    devices: list[Gpu]
    pool: Pool = field(init=False)
    ranks: Ranks = field(default_factory=Ranks)
    ends: list[tuple[int, int, tuple[str, ...], Fraction]] = field(default_factory=list)
    came: dict[Holder, int] = field(default_factory=dict)
    led: dict[Holder, int] = field(default_factory=dict)
    served: dict[Holder, int] = field(default_factory=dict)
    lasts: dict[Holder, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pool = Pool(self.devices)

    def play(self, coming: list[tuple[int, Waiter, int]], until: int) -> None:
        """Let people come at their minute, hold what they get for theirs, and go."""
        queue = sorted(coming, key=lambda row: row[0])
        for now in range(until):
            while queue and queue[0][0] <= now:
                _, waiter, lasts = queue.pop(0)
                self.ranks.add(replace(waiter, since=NOON + now * MINUTE))
                self.came[waiter.ask.holder], self.lasts[waiter.ask.holder] = now, lasts
            while self.ends and self.ends[0][0] <= now:
                _, _, uuids, part = heapq.heappop(self.ends)
                self.pool.give(uuids, part)
            self._serve(now)
            if heads := self.ranks.heads():
                self.led.setdefault(heads[0].ask.holder, now)

    def _serve(self, now: int) -> None:
        while turn := next_turn(self.pool, self.ranks, ()):
            holder, part = turn.waiter.ask.holder, turn.waiter.ask.want.part
            assert all(self.pool.left(uuid) >= part for uuid in turn.uuids)
            self.ranks.remove(holder)
            self.pool.take(turn.uuids, part)
            end = now + self.lasts[holder]
            heapq.heappush(self.ends, (end, len(self.served), turn.uuids, part))
            self.served[holder] = now


def test_a_large_request_waits_no_longer_than_the_servers_that_ran_when_it_was_first() -> None:
    site = Site(CARDS)
    stream = [(minute, a_waiter(f"s{minute}"), 7) for minute in range(1000)]
    # Whoever comes has used nothing; the large one would be behind all of them for ever.
    large = (30, a_waiter("large", "pair", late=120 * MINUTE), 30)
    site.play([*stream, large], until=1000)
    holder = Holder("large")
    assert site.served[holder] - site.led[holder] <= 7
    before = [one for one, at in site.served.items() if at < site.served[holder]]
    assert max(site.came[one] for one in before) <= 30 + 120


people = st.lists(
    st.tuples(
        st.integers(0, 240),
        st.sampled_from(sorted(FLAVOURS)),
        st.integers(0, 90),
        st.integers(1, LONGEST),
    ),
    min_size=1,
    max_size=60,
)
sites = st.lists(st.sampled_from(["", "n2"]), min_size=2, max_size=5).filter(
    lambda nodes: any(nodes.count(node) >= 2 for node in nodes)
)


@settings(max_examples=60, deadline=None)
@given(people, sites)
def test_whoever_is_first_is_served_in_bounded_time_and_so_is_everybody(
    rows: list[tuple[int, str, int, int]], nodes: list[str]
) -> None:
    site = Site([a_gpu(f"g{n}", node=node) for n, node in enumerate(nodes)])
    coming = [
        (at, a_waiter(f"p{n}", flavour, late=late * MINUTE), lasts)
        for n, (at, flavour, late, lasts) in enumerate(rows)
    ]
    most = max(FLAVOURS[flavour].count for _, flavour, _, _ in rows)
    site.play(coming, until=400 + len(rows) * LONGEST)
    assert set(site.served) == set(site.came)
    for holder, since in site.led.items():
        assert site.served[holder] - since <= LONGEST * STEPS * most


@given(people)
def test_within_a_size_the_order_of_grants_is_the_order_of_the_line(
    rows: list[tuple[int, str, int, int]],
) -> None:
    """All come before anything is free; then cards come free one by one."""
    ranks = Ranks()
    for n, (at, flavour, late, _) in enumerate(rows):
        ranks.add(a_waiter(f"p{n}", flavour, at=NOON + at * MINUTE, late=late * MINUTE))
    keys: dict[str, list[Key]] = {}
    while turn := next_turn(Pool(CARDS), ranks, ()):
        keys.setdefault(turn.waiter.ask.flavour, []).append(turn.waiter.key)
        ranks.remove(turn.waiter.ask.holder)
    assert not len(ranks)
    for found in keys.values():
        assert found == sorted(found)


def test_nobody_who_comes_more_than_the_most_later_is_before_you() -> None:
    you = a_waiter("you", late=MOST)
    other = a_waiter("other", at=NOON + MOST + MINUTE)
    assert you.key < other.key
