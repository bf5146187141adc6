"""What a server is told of its cards: its own use, and of others a sum."""

from dataclasses import replace

from tests.support.gpus import NOON, a_gpu

from machinelabs_hub.gpu.own import CardUse, Own, uses
from machinelabs_hub.gpu.sample import CardSample, ContainerSample, ProcessSample, Sample

SHARED = Own("third", 3, NOON, "mine", (a_gpu("GPU-1", memory_mib=40_000),))
WHOLE = replace(SHARED, share=1)


def on_card(memory: int | None, sm: int | None, uuid: str = "GPU-1") -> ProcessSample:
    return ProcessSample(
        pid=1, inside_pid=1, uuid=uuid, memory_mib=memory, sm_percent=sm, name="python"
    )


def a_sample(*, others: tuple[ProcessSample, ...] = (), **containers: ProcessSample) -> Sample:
    card = CardSample(
        uuid="GPU-1", index=0, model="H100", memory_mib=40_000, sm_percent=90,
        memory_used_mib=9_000,
    )  # fmt: skip
    return Sample(
        at=NOON,
        node="n",
        cards=(card,),
        containers={key: ContainerSample(processes=(row,)) for key, row in containers.items()},
        others=others,
    )


def test_neighbours_on_a_shared_card_are_one_sum() -> None:
    sample = a_sample(
        mine=on_card(1000, 40),
        ann=on_card(2000, 30),
        bob=on_card(3000, 20),
        far=on_card(500, 5, "GPU-2"),
        others=(on_card(100, 1),),
    )
    assert uses(SHARED, sample) == {"GPU-1": CardUse(40, 1000, 5100)}


def test_of_a_whole_card_nothing_is_told_of_others() -> None:
    sample = a_sample(mine=on_card(1000, 40), others=(on_card(100, 1),))
    assert uses(WHOLE, sample) == {"GPU-1": CardUse(40, 1000, 0)}


def test_a_server_without_a_process_on_its_card_uses_nothing() -> None:
    assert uses(SHARED, a_sample(ann=on_card(2000, 30))) == {"GPU-1": CardUse(0, 0, 2000)}


def test_before_there_is_a_container_what_has_none_is_not_its_own() -> None:
    starting = replace(SHARED, container="")
    assert uses(starting, a_sample(others=(on_card(100, 7),))) == {"GPU-1": CardUse(0, 0, 100)}


def test_a_whole_card_tells_where_its_processes_do_not() -> None:
    sample = a_sample(mine=on_card(None, None))
    assert uses(WHOLE, sample) == {"GPU-1": CardUse(90, 9000, 0)}
    assert uses(SHARED, sample) == {"GPU-1": CardUse(None, None, 0)}


def test_a_card_that_the_sample_does_not_tell_of_is_unknown() -> None:
    away = replace(WHOLE, cards=(a_gpu("GPU-9"),))
    assert uses(away, a_sample(mine=on_card(1, 1))) == {}
    silent = a_sample(mine=on_card(1, 1)).model_copy(update={"is_told": False})
    assert uses(WHOLE, silent) == {}
