"""A server that ended without being asked to says why."""

import pytest

from machinelabs_hub.spawn.ending import Ending, amount
from machinelabs_hub.spawn.engine import Seen


def seen(*, exit_code: int, out_of_memory: bool = False) -> Seen:
    return Seen(
        id="1", name="ml-ada", running=False, exit_code=exit_code, out_of_memory=out_of_memory,
        memory_mib=2048, address="", labels={}, error="",
    )  # fmt: skip


def test_running_out_of_memory_is_told_with_the_amount() -> None:
    told = Ending.of(seen(exit_code=137, out_of_memory=True)).sentence
    assert told.startswith("Your server ran out of its 2 GiB of memory")
    assert "larger size" in told


def test_a_kernel_that_ran_out_of_memory_before_is_not_the_reason() -> None:
    assert "shut down" in Ending.of(seen(exit_code=0, out_of_memory=True)).sentence


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "shut down from inside"), (137, "stopped by the machine"), (143, "stopped by the machine"),
     (1, "stopped by itself (exit code 1)")],
)  # fmt: skip
def test_each_way_to_end_has_its_sentence(code: int, words: str) -> None:
    assert words in Ending.of(seen(exit_code=code)).sentence


def test_an_ending_outlives_the_hub_that_noticed_it() -> None:
    ending = Ending.of(seen(exit_code=1))
    assert Ending.from_state(ending.as_state()) == ending
    assert Ending.from_state(None) is None


@pytest.mark.parametrize(
    ("mib", "words"), [(512, "512 MiB"), (2048, "2 GiB"), (1536, "1.5 GiB"), (10240, "10 GiB")]
)
def test_amounts_are_told_as_people_tell_them(mib: int, words: str) -> None:
    assert amount(mib) == words
