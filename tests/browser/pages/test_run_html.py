"""HTML that the code of a run made: its program runs in the browser, and reaches nothing."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect
from tests.support import browser as ours
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, TOKEN, ordered

pytestmark = pytest.mark.browser

HTML = b"""<p id="ran"></p><p id="origin"></p><p id="cookie"></p><p id="page"></p><p id="sent"></p>
<script>
const say = (id, text) => (document.getElementById(id).textContent = text);
const tried = (id, act) => { try { say(id, act()) } catch (error) { say(id, error.name) } };
say("ran", "it ran");
say("origin", self.origin);
tried("cookie", () => document.cookie);
tried("page", () => parent.document.title);
fetch(location.href).then(() => say("sent", "it read"), () => {
  say("sent", "refused");
  location = "https://example.org/";
});
</script>"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-html")) as made:
        yield made


def test_html_of_a_run_runs_apart_from_the_site(server: LabsServer, chromium: Browser) -> None:
    desk = ordered(server, {"main.py": b"print(1)\n"})
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        still = HTML.replace(b"location = ", b"self.was = ")
        http.put("/outputs/still.html", content=still).raise_for_status()
        http.put("/outputs/report.html", content=HTML).raise_for_status()
    page = ours.new_person(chromium).new_page()
    here = f"{server.url}/{desk.lab.path}/runs/1/outputs"
    page.goto(f"{here}/still.html")
    frame = page.frame_locator("iframe.ml-run-html")
    expect(frame.locator("#ran")).to_have_text("it ran")
    expect(frame.locator("#origin")).to_have_text("null")
    expect(frame.locator("#cookie")).to_have_text("SecurityError")
    expect(frame.locator("#page")).to_have_text("SecurityError")
    expect(frame.locator("#sent")).to_have_text("refused")
    with page.expect_console_message(lambda said: "frame-src" in said.text):
        page.goto(f"{here}/report.html")
    assert not [one for one in page.frames if "example.org" in one.url]
    assert page.url == f"{here}/report.html"
    page.context.close()
