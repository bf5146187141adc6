"""Other people's content read by somebody who is signed in: nothing acts in their name."""

import random
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser
from tests.browser.xss.corpus import SNIPPETS, corpus
from tests.browser.xss.watch import POKE, Watch, check_content
from tests.support import browser as ours
from tests.support.site import Site

from machinelabs import Hub, LabDraft, TarStream
from machinelabs.errors import HubError
from machinelabs.folder import scan

pytestmark = [pytest.mark.engine, pytest.mark.browser]

MALLORY, VICTIM = "xss-mallory", "xss-vic"
SAMPLE = 24


def published(site: Site, folder: Path) -> list[str]:
    """Publish a seeded sample of the corpus; return the names of the labs."""
    hostile = random.Random(6).sample([one for one in corpus() if one.name in SNIPPETS], SAMPLE)  # noqa: S311
    address = f"{site.addresses.labs_local}/services/labs"
    names = []
    with Hub(address, site.token(MALLORY)) as hub:
        for one in hostile:
            root = folder / one.name
            for path, content in one.files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(content)
            draft = LabDraft(one.name, name=one.name, visibility="public")
            try:
                names.append(hub.labs.publish(draft, TarStream(scan(root).files)).name)
            except HubError:
                # Refused with a sentence is as good as shown safely.
                continue
    return names


def test_nothing_of_a_hostile_lab_acts_for_a_reader_who_is_signed_in(
    site: Site, chromium: Browser, tmp_path: Path
) -> None:
    names = published(site, tmp_path)
    assert len(names) > SAMPLE // 2
    context = ours.new_person(chromium)
    page = context.new_page()
    ours.sign_in(page, site.url, VICTIM, site.make_user(VICTIM))
    page.goto(f"{site.labs_url}/login?next=/services/labs/")
    assert page.get_by_label(f"Menu of {VICTIM}").count() == 1
    watch = Watch.on(page)
    for name in names:
        page.goto(f"{site.labs_url}/{MALLORY}/{quote(name)}")
        check_content(page)
    page.goto(f"{site.labs_url}/{MALLORY}")
    page.evaluate(POKE)
    page.wait_for_timeout(100)
    assert watch.sprung == []
    watch.check_requests(site.labs_url)
    # Neither the labs nor the hub was asked for anything in the reader's name.
    assert site.operator("GET", f"/users/{VICTIM}").json()["servers"] == {}
    token = {"Authorization": f"token {site.token(VICTIM)}"}
    mine = site.visitor().get(f"{site.labs_url}/api/v1/labs?owner={VICTIM}", headers=token)
    assert mine.json()["items"] == []
    context.close()
