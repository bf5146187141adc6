"""The pages of a server's life: starting, running, another's consent, stopping, out of memory."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.support import browser as ours
from tests.support.site import Site
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.browser]

PERSON = "life-lea"


def look(page: Page, pictures: Path, name: str) -> None:
    """Keep a picture of a page in both lights and both widths, and fail on a barrier."""
    for scheme in ("light", "dark"):
        # Without motion nothing is caught halfway from one colour to another.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        page.set_viewport_size(ours.NARROW)
        ours.screenshot(page, pictures / "pages", f"{name}-narrow-{scheme}", whole=True)
        page.set_viewport_size(ours.WIDE)
        ours.screenshot(page, pictures / "pages", f"{name}-wide-{scheme}", whole=True)
        found: list[Any] = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found] == [], name


def pending(site: Site) -> object:
    """What the hub does with the person's server now."""
    servers = site.operator("GET", f"/users/{PERSON}").json()["servers"]
    return servers.get("", {}).get("pending")


def docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, capture_output=True)


def test_each_page_of_a_servers_life_says_what_happens(
    site: Site, chromium: Browser, pictures: Path
) -> None:
    page = ours.new_person(chromium).new_page()
    ours.sign_in(page, site.url, PERSON, site.make_user(PERSON))
    # Without the news of how far it is, the page stays as it came.
    news = re.compile("/hub/api/users/")
    page.route(news, lambda route: route.abort())
    page.goto(f"{site.url}/hub/spawn/{PERSON}?image=base&flavour=cpu-small")
    expect(page.get_by_role("heading", name="Your server is starting")).to_be_visible()
    look(page, pictures, "waiting")
    # With the news again it would go on by itself, against this test's own next step.
    waiting, page = page, page.context.new_page()
    waiting.close()
    page.goto(f"{site.server_url(PERSON)}lab?reset")
    ours.wait_for_lab(page)

    page.goto(f"{site.url}/hub/home")
    expect(page.get_by_text("running")).to_be_visible()
    look(page, pictures, "home-running")

    # Whoever may reach another's server is asked before the server learns who they are.
    admin = ours.new_person(chromium).new_page()
    ours.sign_in(admin, site.url, site.admin, site.admin_password)
    admin.goto(f"{site.server_url(PERSON)}lab")
    expect(admin.get_by_role("button", name="Let it in")).to_be_visible()
    look(admin, pictures, "consent")

    # A container that is frozen takes its time to stop.
    container = site.container_name(PERSON)
    docker("pause", container)
    page.goto(f"{site.url}/hub/home")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("stopping")).to_be_visible()
    # Its button says so before the hub knows.
    wait_until(lambda: pending(site) == "stop", seconds=30, what="the hub stops it")
    page.goto(f"{site.url}/hub/spawn/{PERSON}")
    expect(page.get_by_role("heading", name="Your server is stopping")).to_be_visible()
    # It loads itself anew every two seconds; an answer without content leaves it as it is.
    page.route("**/*", lambda route: route.fulfill(status=204))
    look(page, pictures, "stopping")
    page.unroute("**/*")
    site.stop_server(PERSON)


def test_a_server_that_ran_out_of_memory_says_so(
    site: Site, chromium: Browser, pictures: Path
) -> None:
    person = f"{PERSON}-mem"
    server = site.start_server(person, image="base", flavour="cpu-small")
    page = ours.new_person(chromium).new_page()
    ours.sign_in(page, site.url, person, site.make_user(person))
    # The engine's own killer takes the largest process; then the server itself goes.
    eater = [
        "docker",
        "exec",
        server.container,
        "python3",
        "-c",
        "x = [bytearray(1 << 28) for _ in range(99)]",
    ]
    subprocess.run(eater, check=False, capture_output=True)
    docker("kill", server.container)
    page.goto(f"{site.url}/hub/home")
    page.goto(f"{site.url}/hub/user/{person}/lab")
    ended = page.get_by_text("ran out of its")
    for _ in range(60):
        if ended.count():
            break
        page.wait_for_timeout(500)
        page.goto(f"{site.url}/hub/user/{person}/lab")
    expect(ended).to_be_visible()
    look(page, pictures, "out-of-memory")
