"""Chromium for the files of this folder: one browser a file, one clean profile a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.support import browser as ours


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser whose expectations wait as long as a busy machine may need."""
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright, ours.chromium(playwright) as browser:
        yield browser
    expect.set_options(timeout=5_000)


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures go: the folder of the option `--pictures`, or one that is soon forgotten."""
    folder = request.config.getoption("--pictures")
    return Path(folder) if folder else tmp_path
