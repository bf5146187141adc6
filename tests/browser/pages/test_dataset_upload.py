"""A version of a dataset is uploaded from a browser: files, folders, cuts, refusals, the keyboard."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, Route, expect
from tests.support import browser as ours
from tests.support.datasets import sha256, stored
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import room
from machinelabs_hub.settings import Plans

pytestmark = pytest.mark.browser

ADA, EVE, LEA = Person("ada", "Ada"), Person("eve", "Eve"), Person("lea", "Lea")
CONTENTS = re.compile(r"/contents/")
PART = 16 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    small = {"name": "small", "title": "Small", "storage_gib": 1}
    plans = Plans.model_validate({"table": [small], "default": "small", "admins": "small"})
    with labs_server(tmp_path_factory.mktemp("labs"), plans=plans) as running:
        running.seen_as(ADA, EVE, LEA)
        yield running


@contextmanager
def upload_page(
    chromium: Browser,
    server: LabsServer,
    name: str,
    *,
    who: str = "ada",
    at: str = "",
    dark: bool = False,
    narrow: bool = False,
) -> Iterator[Page]:
    """Open the page as its owner; its scripts must not fail."""
    with ours.new_person(chromium, dark=dark, narrow=narrow) as context:
        context.set_extra_http_headers({"X-As": who})
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{server.url}/datasets/{who}/{name}{at}")
        expect(page.get_by_label("Files", exact=True)).to_be_visible()
        yield page
        assert not faults


def held(server: LabsServer, name: str) -> dict[str, bytes]:
    """Return the files of a dataset's newest version."""
    ctx = Context(person=ADA, tools=server.tools, hub=None)  # type: ignore[arg-type]
    found = ctx.datasets.get("ada", name)
    files = ctx.datasets.files(ctx.datasets.version(found), limit=1000).items
    return {one.path: b"".join(ctx.datasets.content(one, size=one.size)) for one in files}


def lay(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def is_there(page: Page, number: int) -> None:
    expect(page).to_have_url(re.compile(rf"/@v{number}$"))
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()


def test_a_folder_becomes_the_first_version_and_files_the_next(
    chromium: Browser, server: LabsServer, tmp_path: Path
) -> None:
    stored(server.tools, ADA, "digits")
    big = os.urandom(3_000_000)
    folder = lay(tmp_path / "scans", README=b"# hi", train__a=big, train__b=b"", again=b"# hi")
    lay(folder, **{".hidden": b"no", ".git__x": b"no"})
    with upload_page(chromium, server, "digits") as page:
        page.get_by_label("Or a folder").set_input_files(folder)
        expect(page.get_by_role("status").filter(has_text="4 files")).to_contain_text(
            "Hidden ones stay with you: 2 files"
        )
        expect(page.get_by_role("progressbar", name="How far train/a is")).to_be_visible()
        page.get_by_label("What is new").fill("As scanned")
        page.get_by_role("button", name="Upload").click()
        is_there(page, 1)
        expect(page.get_by_role("row").filter(has_text="As scanned")).to_be_visible()
        files = {"README": b"# hi", "again": b"# hi", "train/a": big, "train/b": b""}
        assert held(server, "digits") == files

        sent: list[Request] = []
        page.on("request", lambda one: sent.append(one) if one.method == "PUT" else None)
        page.get_by_role("link", name="New version").click()
        more = lay(tmp_path / "more", README=b"# new", copy=big)
        page.get_by_label("Files", exact=True).set_input_files(sorted(more.iterdir()))
        page.get_by_role("button", name="Upload").click()
        is_there(page, 2)
        assert held(server, "digits") == files | {"README": b"# new", "copy": big}
        assert [one.url.split("/contents/")[1][:64] for one in sent] == [sha256(b"# new")]

        page.get_by_role("link", name="New version").click()
        page.get_by_label("Keep the other files of v2").uncheck()
        page.get_by_label("Files", exact=True).set_input_files(more / "README")
        page.get_by_role("button", name="Upload").click()
        is_there(page, 3)
        assert held(server, "digits") == {"README": b"# new"}


def test_a_cut_upload_goes_on_by_itself_and_behind_what_came_when_the_page_is_opened_again(
    chromium: Browser, server: LabsServer, tmp_path: Path
) -> None:
    stored(server.tools, ADA, "cut")
    content = os.urandom(PART + 2_000_000)
    path = lay(tmp_path, big=content) / "big"
    begins: list[int] = []

    def later_parts_fail(route: Route) -> None:
        at = int(parse_qs(urlsplit(route.request.url).query)["at"][0])
        begins.append(at)
        if at:
            route.abort()
        else:
            route.continue_()

    def cut(page: Page) -> None:
        page.route(re.compile(r"/contents/.*[?]at="), later_parts_fail)

    with upload_page(chromium, server, "cut") as page:
        cut(page)
        page.get_by_label("Files", exact=True).set_input_files(path)
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("status").filter(has_text="connection is lost")).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Go on")).to_be_focused()
        expect(page.get_by_text("What came is kept")).to_be_visible()

        page.reload()
        cut(page)
        expect(page.get_by_text("An upload to this dataset was cut off")).to_be_visible()
        page.get_by_label("Files", exact=True).set_input_files(path)
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("status").filter(has_text="connection is lost")).to_be_visible()
        expect(page.get_by_role("progressbar", name="How far big is")).to_have_js_property(
            "value", PART
        )
        page.unroute(re.compile(r"/contents/.*[?]at="))
        is_there(page, 1)
    assert held(server, "cut") == {"big": content}
    assert begins.count(0) == 1
    assert set(begins) == {0, PART}


def test_one_who_starts_over_leaves_nothing_at_the_site(
    chromium: Browser, server: LabsServer, tmp_path: Path
) -> None:
    stored(server.tools, ADA, "over")
    folder = lay(tmp_path, one=b"one", other=b"other")
    with upload_page(chromium, server, "over") as page:
        page.route(CONTENTS, lambda route: route.abort())
        page.get_by_label("Files", exact=True).set_input_files(folder / "one")
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("status").filter(has_text="connection is lost")).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        with page.expect_response(lambda one: one.request.method == "DELETE") as dropped:
            page.get_by_role("button", name="Start over").click()
        assert dropped.value.status == 204
        assert server.tools.dataset_uploads.count_of("ada") == 0
        page.unroute(CONTENTS)
        page.get_by_label("Files", exact=True).set_input_files(folder / "other")
        page.get_by_role("button", name="Upload").click()
        is_there(page, 1)
    assert held(server, "over") == {"other": b"other"}


def test_what_is_too_large_and_what_the_plan_has_no_room_for_is_said_in_a_sentence(
    chromium: Browser, server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(server.tools, LEA, "large")
    path = tmp_path / "large"
    with upload_page(chromium, server, "large", who="lea") as page:
        # What a browser reads before it asks takes a while of a real GiB.
        monkeypatch.setattr(room, "GIB", 2**10)
        with path.open("wb") as file:
            file.truncate(2**20)
        page.get_by_label("Files", exact=True).set_input_files(path)
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("alert")).to_contain_text("the 1 GiB of your plan, “Small”")
        expect(page.get_by_text("Nothing was sent.")).to_be_visible()
        page.get_by_role("button", name="Start over").click()
        monkeypatch.undo()

        with path.open("wb") as file:
            file.truncate(101 * 2**30)
        page.get_by_label("Files", exact=True).set_input_files(path)
        expect(page.get_by_role("alert")).to_contain_text("A version may hold 100 GB")
        expect(page.get_by_role("button", name="Upload")).to_be_disabled()
        page.get_by_role("button", name="Choose others").click()

        bad = lay(tmp_path / "bad", **{"a\u202eb": b"1"})
        page.get_by_label("Files", exact=True).set_input_files(sorted(bad.iterdir()))
        expect(page.get_by_role("alert")).to_be_hidden()
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("alert")).to_contain_text("a character that cannot be shown")
    assert server.tools.dataset_uploads.count_of("lea") == 0


def test_dropped_files_and_folders_are_taken(
    chromium: Browser, server: LabsServer, tmp_path: Path
) -> None:
    stored(server.tools, ADA, "dropped")
    folder = lay(tmp_path / "set", train__a=b"1", test__b=b"2")
    with upload_page(chromium, server, "dropped") as page:
        # What a file manager gives cannot be made by a script, so that the browser itself drops.
        box = page.locator("#upload-drop").bounding_box()
        assert box
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        devtools = page.context.new_cdp_session(page)
        for kind in ("dragEnter", "dragOver", "drop"):
            at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] - 20}
            devtools.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
        page.get_by_role("button", name="Upload").click()
        is_there(page, 1)
    assert held(server, "dropped") == {"test/b": b"2", "train/a": b"1"}


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_the_form_works_with_the_keyboard_and_has_no_barrier(
    chromium: Browser, server: LabsServer, tmp_path: Path, pictures: Path, look: str
) -> None:
    name = f"keys-{look}"
    is_dark, is_narrow = look == "dark", look == "narrow"
    stored(server.tools, ADA, name, {"old.csv": b"1"})
    files = lay(tmp_path, **{f"{'long-' * 20}name": os.urandom(100_000), "b": b"2"})
    with upload_page(chromium, server, name, at="/upload", dark=is_dark, narrow=is_narrow) as page:
        # The browser is told that somebody listens long before a key is pressed.
        page.on("filechooser", lambda _: None)
        page.reload()
        page.get_by_label("Files", exact=True).focus()
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(sorted(files.iterdir()))
        expect(page.get_by_role("button", name="Upload")).to_be_visible()
        page.route(CONTENTS, lambda route: route.abort())
        for reached in ("upload-folder", "upload-keep", "upload-message", "upload-send"):
            page.keyboard.press("Tab")
            expect(page.locator(f"#{reached}")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Stop")).to_be_focused()
        expect(page.get_by_role("status").filter(has_text="connection is lost")).to_be_visible()
        assert not Axe().run(page).response["violations"]
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Go on")).to_be_focused()
        assert not Axe().run(page).response["violations"]
        ours.screenshot(page, pictures, f"upload-{name}", whole=True)
        wider = "document.documentElement.scrollWidth - window.innerWidth"
        assert page.evaluate(wider) <= 0
        page.unroute(CONTENTS)
        page.keyboard.press("Enter")
        is_there(page, 2)
    assert len(held(server, name)) == 3


def test_without_scripts_the_page_names_the_command_and_others_have_no_form(
    chromium: Browser, server: LabsServer
) -> None:
    stored(server.tools, ADA, "plain", visibility=Visibility.PUBLIC)
    with chromium.new_context(java_script_enabled=False) as context:
        context.set_extra_http_headers({"X-As": "ada"})
        page = context.new_page()
        for address in ("plain", "plain/upload"):
            page.goto(f"{server.url}/datasets/ada/{address}")
            expect(page.get_by_text("scripts are off in this browser")).to_be_visible()
            expect(page.get_by_text("ml dataset push FOLDER ada/plain")).to_be_visible()
            expect(page.locator("#upload")).to_be_hidden()
    with chromium.new_context() as context:
        context.set_extra_http_headers({"X-As": "eve"})
        page = context.new_page()
        page.goto(f"{server.url}/datasets/ada/plain")
        expect(page.get_by_text("ada has not uploaded any files")).to_be_visible()
        answer = page.goto(f"{server.url}/datasets/ada/plain/upload")
        assert answer
        assert answer.status == 403
        expect(page.get_by_text("Only editors and owners upload to ada/plain")).to_be_visible()
