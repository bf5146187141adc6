"""Who asks for a GPU gets devices that suit, that are well, and that nobody else holds."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.support.gpus import a_claim, a_gpu, held

from machinelabs_hub.gpu.model import Claim, Gpu, Health, Room, Want
from machinelabs_hub.gpu.policy import choose, exists, free, room, suits


def test_the_smallest_device_that_suits_is_chosen() -> None:
    devices = [a_gpu("big"), a_gpu("small", memory_mib=16_000)]
    assert choose(Want(memory_mib=10_000), devices, []) == ("small",)
    assert choose(Want(memory_mib=20_000), devices, []) == ("big",)


def test_what_somebody_holds_is_not_handed_out_again() -> None:
    devices = [a_gpu("a"), a_gpu("b")]
    assert choose(Want(), devices, [a_claim("a")]) == ("b",)
    assert choose(Want(), devices, [a_claim("a"), a_claim("b")]) is None


def test_a_share_joins_the_fullest_card_that_has_room() -> None:
    devices = [a_gpu("a"), a_gpu("b")]
    quarter = Want(share=4)
    assert choose(quarter, devices, [a_claim("b", share=4)]) == ("b",)
    assert choose(quarter, devices, [a_claim("b", share=4)] * 4) == ("a",)
    assert choose(quarter, devices, [a_claim("a", share=4), a_claim("b", share=2)]) == ("b",)


def test_a_shared_card_is_no_whole_one_and_a_whole_one_is_not_shared() -> None:
    devices = [a_gpu("a")]
    assert choose(Want(), devices, [a_claim("a", share=64)]) is None
    assert choose(Want(share=64), devices, [a_claim("a")]) is None


def test_a_share_holds_the_memory_that_was_asked_for() -> None:
    devices = [a_gpu("a", memory_mib=40_000)]
    assert choose(Want(share=4, memory_mib=10_000), devices, []) == ("a",)
    assert choose(Want(share=4, memory_mib=10_001), devices, []) is None


def test_what_is_drained_or_failed_is_not_handed_out() -> None:
    devices = [a_gpu("a", health=Health.DRAINED), a_gpu("b", health=Health.FAILED)]
    assert choose(Want(), devices, []) is None
    assert exists(Want(), devices)


def test_several_devices_are_of_one_machine() -> None:
    devices = [a_gpu("a", node="n1"), a_gpu("b", node="n2"), a_gpu("c", node="n2")]
    assert choose(Want(count=2), devices, []) == ("b", "c")
    assert choose(Want(count=2), devices, [a_claim("b")]) is None
    assert not exists(Want(count=3), devices)


def test_a_card_that_is_split_is_handed_out_in_its_parts_only() -> None:
    part = a_gpu("MIG-1", parent="a", profile="1g.10gb", memory_mib=10_000)
    devices = [a_gpu("a"), part]
    assert choose(Want(), devices, []) is None
    assert choose(Want(profile="1g.10gb"), devices, []) == ("MIG-1",)
    assert choose(Want(profile="2g.20gb"), devices, []) is None


def test_a_claim_on_a_card_that_is_no_more_there_harms_nobody() -> None:
    assert free([a_gpu("a")], [a_claim("gone")]) == {"a": Fraction(1)}


gpus = st.lists(
    st.builds(
        a_gpu,
        st.sampled_from([f"GPU-{n}" for n in range(6)]),
        memory_mib=st.sampled_from([16_000, 80_000]),
        node=st.sampled_from(["", "n2"]),
        health=st.sampled_from(list(Health)),
    ),
    unique_by=lambda gpu: gpu.uuid,
)
wants = st.builds(
    Want,
    count=st.integers(1, 3),
    memory_mib=st.sampled_from([0, 8_000, 40_000]),
    share=st.sampled_from([1, 2, 3, 4]),
)


@given(gpus, st.lists(wants, max_size=12), st.sets(st.integers(0, 11)))
def test_whatever_is_asked_in_whatever_order_no_device_is_held_twice(
    devices: list[Gpu], asked: list[Want], ended: set[int]
) -> None:
    claims: list[Claim] = []
    known = {gpu.uuid: gpu for gpu in devices}
    for number, want in enumerate(asked):
        picked = choose(want, devices, claims)
        if picked is None:
            continue
        assert len(set(picked)) == want.count
        assert len({known[uuid].node for uuid in picked}) == 1
        assert all(known[uuid].health is Health.OK and suits(want, known[uuid]) for uuid in picked)
        claims.append(a_claim(*picked, share=want.share, user=str(number)))
        assert all(part <= 1 for part in held(claims).values())
        if number in ended:
            claims.pop(0)


@given(gpus, wants)
def test_who_is_alone_gets_what_there_is(devices: list[Gpu], want: Want) -> None:
    well = [gpu for gpu in devices if gpu.health is Health.OK]
    assert (choose(want, devices, []) is not None) == exists(want, well)


def test_how_much_room_there_is_counts_what_suits_and_what_is_left_of_it() -> None:
    devices = [a_gpu("a"), a_gpu("b"), a_gpu("c", health=Health.DRAINED), a_gpu("d", memory_mib=10)]
    claims = [a_claim("a"), a_claim("b", share=2)]
    assert room(Want(memory_mib=1000), devices, claims) == Room(suitable=2, free=0)
    assert room(Want(memory_mib=1000, share=2), devices, claims) == Room(suitable=2, free=1)
