"""What the engine's word means for claims: leaks end, live ones stay, strangers are adopted."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.gpu.model import Claim, Holder, Observed
from machinelabs_hub.gpu.reconcile import GRACE, Clash, Decision, decide

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_claim(key: str, *, container: str = "", uuid: str = "GPU-0", share: int = 1) -> Claim:
    return Claim(
        id=key,
        holder=Holder(f"of-{key}"),
        flavour="gpu-small",
        uuids=(uuid,),
        share=share,
        granted_at=NOW,
        container=container,
    )


def a_container(
    container: str, *, claim: str = "", uuid: str = "GPU-0", share: int = 1
) -> Observed:
    return Observed(
        container=container,
        holder=Holder("ada"),
        claim=claim,
        flavour="gpu-small",
        uuids=(uuid,),
        share=share,
    )


def judged(
    claims: list[Claim],
    observed: list[Observed],
    *,
    starting: frozenset[str] = frozenset(),
    absent: dict[str, datetime] | None = None,
    now: datetime = NOW,
) -> Decision:
    return decide(claims=claims, observed=observed, starting=starting, absent=absent or {}, now=now)


def test_a_claim_whose_container_is_there_lives() -> None:
    decision = judged([a_claim("a", container="c1")], [a_container("c1", claim="a")])
    assert decision == Decision(bind={}, end=(), adopt=(), absent={}, clashes=())


def test_a_claim_whose_container_is_gone_ends_at_once() -> None:
    assert judged([a_claim("a", container="c1")], []).end == ("a",)


def test_a_claim_of_a_start_under_way_is_kept() -> None:
    decision = judged([a_claim("a")], [], starting=frozenset({"a"}))
    assert decision.end == ()
    assert decision.absent == {}


def test_a_claim_of_a_dead_hubs_start_ends_after_its_grace() -> None:
    first = judged([a_claim("a")], [])
    assert first.end == ()
    assert first.absent == {"a": NOW}
    soon = judged([a_claim("a")], [], absent=dict(first.absent), now=NOW + GRACE / 2)
    assert soon.end == ()
    late = judged([a_claim("a")], [], absent=dict(soon.absent), now=NOW + GRACE)
    assert late.end == ("a",)
    assert late.absent == {}


def test_a_grace_begins_anew_when_the_container_was_there_meanwhile() -> None:
    seen = judged([a_claim("a")], [a_container("c1", claim="a")], absent={"a": NOW - GRACE})
    assert seen.absent == {}
    assert seen.bind == {"a": "c1"}


def test_the_container_that_a_dead_hub_made_is_found_by_its_label() -> None:
    decision = judged([a_claim("a")], [a_container("c1", claim="a")])
    assert decision.bind == {"a": "c1"}
    assert decision.end == ()
    assert decision.adopt == ()


def test_a_container_without_a_claim_is_adopted() -> None:
    stranger = a_container("c9", uuid="GPU-3")
    assert judged([a_claim("a", container="c1")], [stranger]).adopt == (stranger,)


def test_two_containers_with_one_label_are_one_claim_and_one_stranger() -> None:
    copy = a_container("c2", claim="a")
    decision = judged([a_claim("a", container="c1")], [a_container("c1", claim="a"), copy])
    assert decision.adopt == (copy,)
    assert decision.bind == {}
    assert decision.clashes == (Clash("GPU-0", ("c1", "c2")),)


def test_shares_clash_only_when_they_are_more_than_the_card() -> None:
    halves = [a_container("c1", claim="a", share=2), a_container("c2", claim="b", share=2)]
    claims = [a_claim("a", container="c1", share=2), a_claim("b", container="c2", share=2)]
    assert judged(claims, halves).clashes == ()
    third = a_container("c3", share=2)
    assert judged(claims, [*halves, third]).clashes == (Clash("GPU-0", ("c1", "c2", "c3")),)


@given(
    bound=st.sets(st.integers(0, 5)),
    unbound=st.sets(st.integers(6, 9)),
    seen=st.sets(st.integers(0, 12)),
    starting=st.sets(st.integers(6, 9)),
    seconds=st.integers(0, 20),
)
def test_nothing_that_is_seen_ends_and_nothing_that_is_not_stays_for_ever(
    bound: set[int], unbound: set[int], seen: set[int], starting: set[int], seconds: int
) -> None:
    claims = [a_claim(str(n), container=f"c{n}", uuid=f"GPU-{n}") for n in bound]
    claims += [a_claim(str(n), uuid=f"GPU-{n}") for n in unbound]
    observed = [a_container(f"c{n}", claim=str(n), uuid=f"GPU-{n}") for n in seen]
    under_way = frozenset(map(str, starting))
    first = judged(claims, observed, starting=under_way)
    left = [claim for claim in claims if claim.id not in first.end]
    later = NOW + timedelta(seconds=seconds)
    second = judged(left, observed, starting=under_way, absent=dict(first.absent), now=later)
    ended = {int(key) for key in (*first.end, *second.end)}
    assert not ended & (seen | starting)
    assert bound - seen <= ended
    if timedelta(seconds=seconds) >= GRACE:
        assert unbound - seen - starting <= ended
    assert {int(one.claim) for one in first.adopt} == seen - bound - unbound
