"""Which cards a container was made with, however somebody asked for them."""

import asyncio

import pytest

from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.engine import CardRequest, Listed
from machinelabs_hub.spawn.observe import DockerEyes, uuids_of
from machinelabs_hub.spawn.plan import LABEL_CLAIM, LABEL_SITE, LABEL_USER

KNOWN = ("GPU-a", "GPU-b", "GPU-c")


@pytest.mark.parametrize(
    ("count", "ids", "uuids"),
    [
        (0, ("GPU-b",), ("GPU-b",)),
        (0, ("2", "GPU-a"), ("GPU-c", "GPU-a")),
        (0, ("MIG-1",), ("MIG-1",)),
        (0, ("7",), ("7",)),
        (-1, (), KNOWN),
        (2, (), ("GPU-a", "GPU-b")),
    ],
)
def test_a_request_is_read_as_the_engine_reads_it(
    count: int, ids: tuple[str, ...], uuids: tuple[str, ...]
) -> None:
    assert uuids_of([CardRequest(count, ids)], KNOWN) == uuids


def test_a_card_that_is_asked_for_twice_is_one() -> None:
    twice = [CardRequest(0, ("GPU-b",)), CardRequest(-1, ())]
    assert uuids_of(twice, KNOWN) == ("GPU-b", "GPU-a", "GPU-c")


class HalfMade:
    """An engine in the moment when it lists a container that it does not yet tell about."""

    def __init__(self) -> None:
        self.told: tuple[CardRequest, ...] | None = None

    async def list(self) -> tuple[Listed, ...]:
        labels = {LABEL_SITE: Settings().engine.prefix, LABEL_USER: "ada", LABEL_CLAIM: "c1"}
        return (Listed(id="new", name="ml-ada", state="created", labels=labels),)

    async def cards(self, _container: str) -> tuple[CardRequest, ...] | None:
        return self.told


def test_a_container_that_was_listed_too_early_is_asked_about_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine, eyes = HalfMade(), DockerEyes(Settings(), lambda _: True)
    monkeypatch.setattr(eyes, "_engine", engine)
    assert asyncio.run(eyes.observe(KNOWN)) == ()
    engine.told = (CardRequest(0, ("GPU-b",)),)
    (seen,) = asyncio.run(eyes.observe(KNOWN))
    assert (seen.claim, seen.uuids) == ("c1", ("GPU-b",))
