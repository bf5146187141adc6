"""What upkeep removes, and never what comes meanwhile: on both databases, in a folder."""

from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, publish
from tests.integration.labs.test_runs import FILES, order, put, started
from tests.support.datasets import sha256, stored

from machinelabs_hub.labs.services import run_upkeep
from machinelabs_hub.labs.services.tools import Tools

CONTENT = b"what nobody had, and somebody has again"


class Known:
    """A table that lets somebody act while it is asked for the `at`th time what it knows."""

    def __init__(self, table: Any, act: Callable[[], None], *, at: int) -> None:
        self._table = table
        self._act = act
        self._left = at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def known(self, hashes: frozenset[str]) -> frozenset[str]:
        found: frozenset[str] = self._table.known(hashes)
        self._left -= 1
        if not self._left:
            self._act()
        return found


def nobodys(tools: Tools) -> str:
    """Keep a content that nothing has."""
    with tools.blobs.writer() as writer:
        writer.write(CONTENT)
        return writer.keep()


def uploaded(tools: Tools) -> None:
    """Make a dataset that has the content."""
    stored(tools, ADA, "digits", {"model.bin": CONTENT})


def tended_meanwhile(tools: Tools, table: str, again: Callable[[], None]) -> None:
    """Let upkeep work while the content is put again: when it looks first, and under its lock."""
    name = nobodys(tools)
    asked: Any = Known(getattr(tools, table), again, at=1)
    assert run_upkeep.tend(replace(tools, **{table: asked}), unused=-10).blobs == 0
    assert tools.blobs.has(name, len(CONTENT))


def tended_under_lock(tools: Tools, table: str, again: Callable[[], None]) -> None:
    """Let somebody put a content again while upkeep is about to remove it."""
    name = nobodys(tools)
    other = Thread(target=again)
    asked: Any = Known(getattr(tools, table), other.start, at=2)
    assert run_upkeep.tend(replace(tools, **{table: asked}), unused=-10).blobs == 1
    other.join()
    assert tools.blobs.has(name, len(CONTENT))


Tended = Callable[[Tools, str, Callable[[], None]], None]
TENDED = pytest.mark.parametrize("tended", [tended_meanwhile, tended_under_lock])


@TENDED
def test_an_output_that_is_put_out_again_meanwhile_stays(
    tools: Tools, viewed_by: As, tended: Tended
) -> None:
    publish(viewed_by, files=FILES)
    runner, run, _ = started(tools, order(viewed_by))
    tended(tools, "run_outputs", lambda: put(runner, run, "model.bin", CONTENT))
    assert run_upkeep.missing(tools) == (1, [])


@TENDED
def test_a_file_of_a_dataset_that_is_uploaded_meanwhile_stays(tools: Tools, tended: Tended) -> None:
    tended(tools, "dataset_versions", lambda: uploaded(tools))
    assert run_upkeep.missing(tools) == (1, [])


def test_what_is_being_kept_is_not_removed(tools: Tools) -> None:
    name, other = nobodys(tools), sha256(b"other")
    with tools.blobs.kept(name, other):
        assert run_upkeep.tend(tools, unused=-10).blobs == 0
    with tools.blobs.kept(name), tools.blobs.kept(name):
        pass
    assert run_upkeep.tend(tools, unused=-10).blobs == 1
    assert not tools.blobs.has(name, len(CONTENT))
