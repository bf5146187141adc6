"""Who takes more than their part of a shared card is found, and nobody else."""

from datetime import UTC, datetime, timedelta

from machinelabs_hub.gpu.model import Claim, Holder
from machinelabs_hub.gpu.overuse import is_due, overuse, stopped, told
from machinelabs_hub.gpu.sample import CardSample, ContainerSample, ProcessSample, Sample

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
CARD = "GPU-1"


def a_claim(name: str, share: int = 4) -> Claim:
    return Claim(
        id=name, holder=Holder(name), flavour="gpu-quarter", uuids=(CARD,), share=share,
        granted_at=BEGAN, container=f"container of {name}",
    )  # fmt: skip


def a_sample(at: datetime, **used: list[int]) -> Sample:
    return Sample(
        at=at,
        node="",
        cards=(CardSample(uuid=CARD, index=0, model="Test", memory_mib=16_000),),
        containers={
            f"container of {name}": ContainerSample(
                processes=tuple(
                    ProcessSample(
                        pid=1000 + number, inside_pid=10 + number, uuid=CARD, memory_mib=mib,
                        sm_percent=1, name="python",
                    )
                    for number, mib in enumerate(sizes)
                )
            )
            for name, sizes in used.items()
        },
    )  # fmt: skip


def test_the_neighbour_is_left_alone() -> None:
    claims = [a_claim("greedy"), a_claim("modest")]
    found = overuse(claims, a_sample(BEGAN, greedy=[1000, 5000], modest=[4000]), {}, percent=10)
    assert [over.claim.holder.user for over in found.values()] == ["greedy"]
    over = found["greedy", CARD]
    assert (over.used_mib, over.part_mib, over.culprit.inside_pid) == (6000, 4000, 11)


def test_a_tenth_over_is_borne() -> None:
    claims = [a_claim("ada")]
    assert not overuse(claims, a_sample(BEGAN, ada=[4400]), {}, percent=10)
    assert overuse(claims, a_sample(BEGAN, ada=[4401]), {}, percent=10)


def test_whoever_has_the_whole_card_has_all_of_it() -> None:
    assert not overuse([a_claim("ada", 1)], a_sample(BEGAN, ada=[16_000]), {}, percent=10)


def test_it_is_due_when_it_lasted() -> None:
    claims, later = [a_claim("ada")], BEGAN + timedelta(seconds=15)
    first = overuse(claims, a_sample(BEGAN, ada=[6000]), {}, percent=10)
    second = overuse(claims, a_sample(later, ada=[7000]), first, percent=10)
    over = second["ada", CARD]
    assert not is_due(over, later - timedelta(seconds=1), seconds=15)
    assert is_due(over, later, seconds=15)


def test_whoever_goes_back_in_time_begins_anew() -> None:
    claims = [a_claim("ada")]
    over = overuse(claims, a_sample(BEGAN, ada=[6000]), {}, percent=10)
    well = overuse(claims, a_sample(BEGAN + timedelta(seconds=5), ada=[3000]), over, percent=10)
    assert not well
    again = BEGAN + timedelta(seconds=10)
    over = overuse(claims, a_sample(again, ada=[6000]), well, percent=10)
    assert over["ada", CARD].since == again


def test_a_sampler_that_is_away_changes_nothing() -> None:
    over = overuse([a_claim("ada")], a_sample(BEGAN, ada=[6000]), {}, percent=10)
    assert overuse([a_claim("ada")], None, over, percent=10) == over


def test_people_are_told_how_much_and_what_to_do() -> None:
    over = overuse([a_claim("ada")], a_sample(BEGAN, ada=[6144]), {}, percent=10)["ada", CARD]
    assert "takes 6.0 GiB of a GPU's memory; its part is 3.9 GiB" in told(over, seconds=15)
    assert "number 10) was stopped" in stopped(over)
