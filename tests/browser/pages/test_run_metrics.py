"""Curves of a run in a browser: they grow while it is watched, and are for everybody to read."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from tests.support import browser as ours
from tests.support.labs_service import labs_server
from tests.support.run_desk import CODE, TOKEN, RunDesk, ordered

pytestmark = pytest.mark.browser

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def desk(tmp_path: Any) -> Iterator[RunDesk]:
    with labs_server(tmp_path / "data") as server:
        yield ordered(server, {"main.py": b""}, parameters={"epochs": 7})


def measure(http: httpx.Client, first: int, **courses: list[float]) -> None:
    """Tell courses of metrics as a run's container does."""
    events = [
        {
            "n": number,
            "at": "2026-01-01T00:00:00+00:00",
            "kind": "metric",
            "name": name,
            "points": [[step, value, 1000 + step] for step, value in enumerate(values)],
        }
        for number, (name, values) in enumerate(courses.items(), start=first)
    ]
    http.post("/events", json={"first": first, "events": events}).raise_for_status()


def test_curves_grow_while_they_are_watched_and_have_no_barriers(
    desk: RunDesk, chromium: Browser
) -> None:
    here = f"{desk.server.url}/{desk.lab.path}/runs"
    names = ["accuracy", "a_name_that_is_much_longer_than_there_is_room_for", *"bcdef"]
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        page = ours.new_person(chromium).new_page()
        page.goto(f"{here}/{desk.run.number}")
        measure(http, 1, **{name: [0.5, 0.25, 0.75] for name in names})
        curve = page.get_by_role("img", name="accuracy: 3 values")
        expect(curve).to_be_visible()
        measure(http, 8, accuracy=[0.875])
        expect(page.get_by_role("img", name="accuracy: 4 values")).to_be_visible()
        page.get_by_role("link", name="1 more metric, and all as a table").click()
        expect(page.get_by_role("row", name="accuracy 0.875")).to_be_visible()
        for path in (f"/{desk.run.number}/metrics", f"/{desk.run.number}", ""):
            page.goto(f"{here}{path}")
            for scheme, view in (("light", ours.WIDE), ("dark", ours.NARROW)):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
                page.set_viewport_size(view)
                assert page.evaluate(WIDER) <= 0, (path, scheme)
                wrong = Axe().run(page).response["violations"]
                assert not wrong, [(one["id"], one["nodes"][0]["html"][:200]) for one in wrong]
        http.post("/end", json={"state": "finished"}).raise_for_status()
        page.context.close()
