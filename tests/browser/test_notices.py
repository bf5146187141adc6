"""What the site tells, in JupyterLab: shown, and on the last of it all that is open is saved."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.support.jupyterlab import opened, toast
from tests.support.notebook_server import environment, notebook_server
from tests.support.site import Site
from tests.support.waiting import wait_until

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.plans.model import Notice
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.sites import database_url

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PERSON = "notice-nina"


def test_a_last_notice_saves_what_is_open(site: Site, chromium: Browser, tmp_path: Path) -> None:
    engine = open_engine(database_url(site.settings))
    notices = NoticeTable(sessions=session_maker(engine))
    with notebook_server(tmp_path / "nina", **environment(site, PERSON)) as server:
        text = server.write("notes.txt", "first\n")
        page = opened(chromium, server)
        page.get_by_role("listitem", name="notes.txt").or_(
            page.locator(".jp-DirListing-item", has_text="notes.txt")
        ).first.dblclick()
        editor = page.locator(".jp-FileEditor .cm-content")
        editor.click()
        page.keyboard.type("typed and not saved")

        now = datetime.now(UTC)
        told = Notice("nina-1", PERSON, "", "test", "Your GPU hours end soon.", now,
                      now + timedelta(minutes=5))  # fmt: skip
        notices.put(told)
        warning = toast(page, "Your GPU hours end soon.")
        expect(warning).to_contain_text("minutes are left.", timeout=90_000)
        expect(warning.get_by_role("button", name="Save and stop now")).to_be_visible()
        expect(warning.get_by_role("button", name="Keep it")).to_have_count(0)
        assert "typed" not in text.read_text()

        notices.make_final(told, datetime.now(UTC))
        expect(toast(page, "This server stops now.")).to_be_visible(timeout=60_000)
        wait_until(lambda: notices.is_confirmed(told), seconds=30, what="the server confirms")
        assert "typed and not saved" in text.read_text()
    engine.dispose()
