"""*Look into it*: the person of a run sees its kernel in JupyterLab, on a real site, and nobody else."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect
from tests.support import browser as ours
from tests.support.content import cell, notebook
from tests.support.site import Site
from tests.support.site_labs import api, publish
from tests.support.site_runs import SiteRun, again

pytestmark = [pytest.mark.engine, pytest.mark.browser]

ADA, BEN = "look-ada", "look-ben"
OF_THE_RUN = {"machinelabs-run", "_xsrf"}
"""Cookies that the run itself sets."""

SLOW = 90 * ours.SECONDS

LEARNS = "weights = [0.5, 0.25]\nprint('it learns', flush=True)"
REST = "import time\ntime.sleep(1)"

# What a lab of somebody else may put out, once its kernel is asked for anything.
FOREIGN = """from IPython.display import HTML, Javascript, display
def show():
    take = "document.documentElement.dataset.taken = 1;"
    display(HTML(f'<b>here</b><img src="x:" onerror="{take}"><script>{take}</script>'))
    display(Javascript(take))
    print("shown")
1 / 0"""

WATCHED = """window.held = [];
document.addEventListener("securitypolicyviolation", e => window.held.push(e.effectiveDirective));"""


LOOK = """async () => {
    const csrf = document.querySelector("[name=_csrf]")?.value ?? "";
    const body = new URLSearchParams({_csrf: csrf});
    return (await fetch(`${location.pathname}/look`, {method: "post", body, redirect: "manual"})).status;
}"""


@pytest.fixture(scope="module")
def labs(site: Site) -> str:
    """Labs of Ben's that everybody may run: one goes on until somebody ends it, one breaks."""
    site.make_user(ADA)
    token = site.token(BEN)
    # What somebody asks a kernel waits for the cell that runs.
    for name, sources in (("goes-on", [LEARNS, *[REST] * 120]), ("breaks", [FOREIGN])):
        cells = [cell("code", source, f"c{at}") for at, source in enumerate(sources)]
        content = {"main.ipynb": notebook(cells)}
        publish(site, token, name, content, visibility="public", image="base")
    return f"{site.labs_url}/{BEN}"


def ordered(site: Site, lab: str, **draft: bool) -> SiteRun:
    return again(site, ADA, site.token(ADA), f"{BEN}/{lab}", **draft)


@pytest.fixture
def ada(site: Site, chromium: Browser) -> Iterator[Page]:
    page = ours.labs_page(chromium, site, ADA)
    page.context.add_init_script(WATCHED)
    yield page
    page.context.close()


@pytest.fixture
def others(site: Site, chromium: Browser) -> Iterator[tuple[Page, Page]]:
    """Pages of somebody who is signed in, whose lab it even is, and of somebody who is not."""
    ben, nobody = ours.labs_page(chromium, site, BEN), ours.new_person(chromium).new_page()
    yield ben, nobody
    for page in (ben, nobody):
        page.context.close()


def looked_into(page: Page) -> tuple[Page, str]:
    """Press *Look into it*; return JupyterLab, and the address that opened it."""
    ways: list[str] = []

    def note(asked: Request) -> None:
        if "/door?key=" in asked.url:
            ways.append(asked.url)

    page.context.on("request", note)
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Look into it").click()
    lab = opened.value
    lab.wait_for_url("**/lab/tree/main.ipynb*", timeout=SLOW)
    ours.wait_for_lab(lab)
    return lab, ways[0]


def console(page: Page) -> None:
    """Open a console of the notebook's kernel, as the manual says."""
    page.locator("#jp-main-statusbar").get_by_text(re.compile(r"\| (Idle|Busy)")).wait_for()
    page.locator(".jp-Notebook .jp-Cell").first.click(button="right")
    page.locator(".lm-Menu-item", has_text="New Console for Notebook").click()
    expect(page.locator(".jp-CodeConsole-promptCell .cm-content")).to_be_visible()


def execute(page: Page, code: str) -> None:
    prompt = page.locator(".jp-CodeConsole-promptCell .cm-content")
    prompt.click()
    prompt.type(code)
    page.keyboard.press("Shift+Enter")


def printed(page: Page, text: str) -> Locator:
    return page.locator(".jp-CodeConsole-content").get_by_text(text, exact=True)


def test_the_kernel_of_a_run_that_goes_on_is_opened_by_its_person_and_by_nobody_else(
    site: Site, labs: str, ada: Page, others: tuple[Page, Page]
) -> None:
    run = ordered(site, "goes-on")
    here = f"{labs}/goes-on/runs/{run.number}"
    ada.goto(here)
    log = ada.get_by_role("group", name="What the run prints")
    expect(log.get_by_text("it learns")).to_be_visible(timeout=SLOW)
    lab, way_in = looked_into(ada)
    base = way_in.partition("door?")[0]
    assert base == site.server_url(ADA, run.server)
    console(lab)
    execute(lab, "print(weights)")
    expect(printed(lab, "[0.5, 0.25]")).to_be_visible(timeout=SLOW)
    assert run.state == "running"
    asked = "async where => (await (await fetch(where)).json())[0].id"
    kernel = lab.evaluate(asked, f"{base}api/kernels")

    for page in others:
        page.goto(here)
        state = page.get_by_role("region", name="State of the run")
        expect(state.get_by_text("Running", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Look into it")).to_have_count(0)
        for tried in (way_in, f"{base}lab/tree/main.ipynb", f"{base}api/contents/main.ipynb"):
            answer = page.goto(tried)
            assert answer is not None
            assert (answer.status, "weights" in page.content()) == (403, False), tried
    ben, _ = others
    # His page, to which a browser counts hers as the same site, asks in her name.
    assert refused_elsewhere(ada, site, here, f"{base}api/kernels/{kernel}/channels") == [
        "it opens nothing", "no socket"
    ]  # fmt: skip
    for page in others:
        page.goto(here)
        assert page.evaluate(LOOK) in {401, 403}

    # Who is led into the run of another is at the other's address, with no cookie of their own
    # that any server of the other would not be sent.
    with api(site, run.token) as client:
        led = (
            client.post(f"/labs/{run.lab}/runs/{run.number}/look").raise_for_status().json()["url"]
        )
    ben.goto(led)
    ours.wait_for_lab(ben)
    assert sent(ben, ben.url) == sent(ben, site.server_url(ADA)) | OF_THE_RUN
    assert not {"labs-session", "jupyterhub-hub-login"} & sent(ben, ben.url)
    assert {"labs-session"} <= sent(ben, f"{site.labs_url}/")

    ada.get_by_role("button", name="Stop").click()
    state = ada.get_by_role("region", name="State of the run")
    expect(state.get_by_text("Stopped", exact=True)).to_be_visible(timeout=SLOW)
    run.settled()


def sent(page: Page, url: str) -> set[str]:
    """Return the names of the cookies that this browser sends to an address."""
    return {cookie["name"] for cookie in page.context.cookies(url)}


def refused_elsewhere(ada: Page, site: Site, run: str, channels: str) -> list[str]:
    """Try her cookies from a page of Ben's origin, in her browser; say what came of it."""
    page = ada.context.new_page()
    his = site.server_url(BEN) + "his"
    page.route(his, lambda route: route.fulfill(content_type="text/html", body="<p>His</p>"))
    page.goto(his)
    page.evaluate(
        """url => {
            const form = Object.assign(document.createElement("form"), {method: "post", action: url});
            document.body.append(form); form.submit();
        }""",
        f"{run}/look",
    )
    page.wait_for_url(re.compile(r"/runs/\d+/look"))
    said = [
        "it opens nothing" if "/door" not in page.url and "jupyter" not in page.content() else ""
    ]
    page.goto(his)
    said.append(
        page.evaluate(
            """url => new Promise(done => {
                const socket = new WebSocket(url.replace("http", "ws"));
                socket.onopen = () => done("a socket");
                socket.onerror = () => done("no socket");
            })""",
            channels,
        )
    )
    page.close()
    return said


def test_a_run_that_failed_is_held_and_what_it_shows_does_not_act_as_who_looks(
    site: Site, labs: str, ada: Page
) -> None:
    ada.goto(f"{labs}/breaks/runs/new")
    ada.get_by_label("Hold it if it fails").check()
    ada.get_by_role("button", name="Run").click()
    state = ada.get_by_role("region", name="State of the run")
    expect(state.get_by_text("Failed", exact=True)).to_be_visible(timeout=SLOW)
    expect(state.get_by_text("Its container is held")).to_be_visible()
    expect(state.get_by_text(re.compile(r"that ends in \d+ minutes"))).to_be_visible()
    later = ada.context.new_page()
    later.clock.install()
    later.goto(ada.url)
    left = later.locator("time[data-ends]")
    before = int(re.findall(r"in (\d+) minutes", left.inner_text())[0])
    later.clock.fast_forward("05:00")
    expect(left).to_have_text(re.compile(f"in ({before - 5}|{before - 6}) minutes"))
    later.clock.fast_forward("15:00")
    expect(left).to_have_text("now")
    later.close()
    lab, way_in = looked_into(ada)
    console(lab)
    execute(lab, "show()")
    expect(printed(lab, "shown")).to_be_visible(timeout=SLOW)
    expect(printed(lab, "here")).to_be_visible()
    lab.wait_for_function("window.held.filter(one => one.startsWith('script-src')).length >= 2")
    assert lab.evaluate("document.documentElement.dataset.taken") is None
    # A server of hers has the same origin: the page cannot ask it for anything.
    asked = """async where => { try { await fetch(where); return "asked"; } catch { return "refused"; } }"""
    assert lab.evaluate(asked, f"/user/{ADA}/api/contents") == "refused"
    assert lab.evaluate(asked, way_in.partition("door?")[0] + "api/contents") == "asked"
    ada.get_by_role("button", name="Stop").click()
    expect(state.get_by_text("Its container is held")).to_have_count(0)
    expect(state.get_by_text("Failed", exact=True)).to_be_visible()
    expect(ada.get_by_role("button", name="Look into it")).to_have_count(0)
    number = int(ada.url.rpartition("/")[2])
    SiteRun(site, ADA, site.token(ADA), f"{BEN}/breaks", number, id_of(site, number)).settled()


def id_of(site: Site, number: int) -> int:
    with api(site, site.token(ADA)) as client:
        return int(client.get(f"/labs/{BEN}/breaks/runs/{number}").json()["id"])
