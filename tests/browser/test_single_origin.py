"""A site on one origin, where subdomains cannot be had: the same chain works on one host."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from tests.support import browser as ours
from tests.support.site import running

pytestmark = [pytest.mark.engine, pytest.mark.browser]

PERSON = "single-sam"


def test_all_of_a_site_is_on_one_host_when_its_settings_say_so(
    chromium: Browser, tmp_path: Path
) -> None:
    single = {"single_origin": True, "host": "127.0.0.1"}
    with running(tmp_path / "single", site=single) as site:
        assert "Warning: single_origin is on." in site.said()
        page = ours.new_person(chromium).new_page()
        ours.sign_in(page, site.url, PERSON, site.make_user(PERSON))
        site.start_server(PERSON)
        page.goto(f"{site.url}/user/{PERSON}/lab?reset")
        ours.wait_for_lab(page)
        page.locator('li[data-id="machinelabs-panel"]').click()
        expect(page.get_by_text("You have published no lab yet.")).to_be_visible()
        page.goto(f"{site.url}/services/labs/")
        page.get_by_role("banner").get_by_role("link", name="Sign in").click()
        expect(page.get_by_label(f"Menu of {PERSON}")).to_be_visible()
        assert urlsplit(page.url).netloc == urlsplit(site.url).netloc
