"""Chromium for the files of this folder: one browser a file, one clean profile a person."""

from collections.abc import Iterator

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
