"""The labs' pages over HTTP, as somebody who is not signed in reads them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from tests.support.content import cell, moons_lab, notebook
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.sizes import size


@dataclass(frozen=True, slots=True)
class World:
    """A service with some labs, and a reader of it."""

    server: LabsServer
    reader: httpx.Client
    lab: Lab
    fork: Lab

    def read(self, path: str, **headers: str) -> httpx.Response:
        return self.reader.get(path, headers=headers)

    def text(self, path: str) -> str:
        answer = self.read(path)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with labs_server(tmp_path_factory.mktemp("pages")) as server:
        files = moons_lab()
        lab = server.publish("ada", files, title="Two moons", tags=("numpy",), message="First")
        fork = server.fork("grace", lab)
        server.revise(lab, files | {"model.py": b"x = 2\n"}, "Second")
        server.revise(fork, files | {"model.py": b"x = 3\n"}, "Mine")
        broken = {"main.ipynb": notebook([cell("code", "1", "a")]), "broken.csv": b'"'}
        server.publish("ada", broken, title="Plain")
        server.publish("ada", broken, title="Hidden", visibility=Visibility.UNLISTED)
        server.publish("ada", broken, title="Secret", visibility=Visibility.PRIVATE)
        with httpx.Client(base_url=server.url, timeout=30) as reader:
            yield World(server, reader, lab, fork)


def test_explore_shows_what_is_public_with_tags_and_faces(world: World) -> None:
    html = world.text("/")
    for shown in ("Two moons", "Plain", 'href="/services/labs/?tag=numpy"', "/card?r="):
        assert shown in html
    for hidden in ("Hidden", "Secret"):
        assert hidden not in html


def test_search_and_tags_narrow_the_list_and_an_empty_list_says_what_to_do(world: World) -> None:
    assert "Plain" not in world.text("/?q=moons")
    assert "Plain" not in world.text("/?tag=numpy")
    assert "No lab has all of that" in world.text("/?q=nothing-like-it")


def test_htmx_gets_only_what_changes(world: World) -> None:
    part = world.read("/?q=moons", **{"HX-Request": "true"})
    assert "<html" not in part.text
    assert "Two moons" in part.text
    assert "HX-Request" in part.headers["vary"]


def test_the_card_of_a_lab_has_its_first_plot(world: World) -> None:
    answer = world.read("/ada/two-moons/card?r=2")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert world.read("/ada/plain/card").status_code == 404


def test_a_lab_shows_its_notebook_with_links_to_its_own_files(world: World) -> None:
    html = world.text("/ada/two-moons")
    assert 'id="cell-intro"' in html
    assert "<math" in html
    assert 'href="/services/labs/ada/two-moons/files/data/moons.csv"' in html
    assert "ml-file:" not in html
    assert "ml-raw:" not in html


def test_an_older_revision_says_so_and_keeps_its_own_links(world: World) -> None:
    html = world.text("/ada/two-moons/@r1")
    assert "This is r1" in html
    assert 'href="/services/labs/ada/two-moons/@r1/files/data/moons.csv"' in html
    assert world.read("/ada/two-moons/@r9").status_code == 404
    assert world.read("/ada/two-moons/@rx").status_code == 404


def test_files_are_listed_by_folder_with_the_readme_below(world: World) -> None:
    html = world.text("/ada/two-moons/files")
    assert html.index(">data<") < html.index(">README.md<")
    assert "enough to watch a decision boundary bend" in html
    assert "moons.csv" in world.text("/ada/two-moons/files/data")
    assert world.read("/ada/two-moons/files/none.py").status_code == 404
    assert world.read("/ada/two-moons/files/../../x").status_code == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("model.py", "highlight"),
        ("data/moons.csv", "<td>upper</td>"),
        ("figures/boundary.png", "revisions/2/files/figures/boundary.png"),
        ("README.md", "<h1"),
        ("main.ipynb", "cell-intro"),
    ],
)
def test_each_file_has_a_preview_and_a_download(world: World, path: str, expected: str) -> None:
    html = world.text(f"/ada/two-moons/files/{path}")
    assert expected in html
    assert f"/api/v1/labs/ada/two-moons/revisions/2/files/{path}" in html


def test_lineage_is_on_both_pages(world: World) -> None:
    fork = world.text("/grace/two-moons")
    assert "ada/two-moons r1" in fork
    assert "r2 is newer" in fork
    assert "/services/labs/grace/two-moons" in world.text("/ada/two-moons/forks")


def test_revisions_are_told_with_who_and_what(world: World) -> None:
    html = world.text("/ada/two-moons/revisions")
    assert html.index("Second") < html.index("First")


def test_unlisted_labs_open_by_their_address_and_private_ones_do_not(world: World) -> None:
    assert "Hidden" in world.text("/ada/hidden")
    for path in ("/ada/secret", "/ada/secret/files", "/ada/secret/card", "/ada/secret/settings"):
        answer = world.read(path)
        assert answer.status_code == 404
        assert "Secret" not in answer.text


def test_a_person_has_a_page_and_a_stranger_has_none(world: World) -> None:
    assert "2 labs" in world.text("/ada")
    answer = world.read("/nobody")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_what_is_the_owners_is_not_a_visitors(world: World) -> None:
    assert world.read("/ada/two-moons/settings").status_code == 404
    assert world.reader.post("/ada/two-moons/delete", data={"confirm": "two-moons"}).is_error
    assert "Two moons" in world.text("/ada/two-moons")
    answer = world.read("/ada/two-moons/open")
    assert answer.status_code == 302
    assert "/login?next=" in answer.headers["location"]
    assert world.read("/trash").status_code == 302


def test_limits_are_the_settings_limits(world: World) -> None:
    html = world.text("/limits")
    assert "Largest notebook of a lab, MiB" in html
    assert "100 000" in html


def test_a_page_that_did_not_change_is_not_sent_again(world: World) -> None:
    first = world.read("/ada/two-moons")
    again = world.read("/ada/two-moons", **{"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    world.server.fork("hopper", world.lab)
    after = world.read("/ada/two-moons", **{"If-None-Match": first.headers["etag"]})
    assert after.status_code == 200


def test_assets_are_kept_for_ever_under_an_address_of_their_own(world: World) -> None:
    html = world.text("/")
    start = html.index("/services/labs/static/")
    address = html[start : html.index('"', start)].removeprefix("/services/labs")
    answer = world.read(address)
    assert "immutable" in answer.headers["cache-control"]
    assert world.read("/static/old/site.css").headers["cache-control"] == "no-cache"
    assert world.read("/static/old/none.css").status_code == 404


def test_what_a_page_loads_is_light(world: World) -> None:
    total = 0
    for name in ("site.css", "site.js", "scheme.js", "icons.svg", "favicon.svg"):
        with world.reader.stream("GET", f"/static/x/{name}") as answer:
            total += sum(len(piece) for piece in answer.iter_raw())
    assert total < 100_000


def test_sizes_are_said_as_people_say_them() -> None:
    assert [size(n) for n in (0, 999, 2048, 40 << 20, 3 << 40)] == [
        "0 B", "999 B", "2.0 kB", "40 MB", "3072 GB"
    ]  # fmt: skip


def test_a_kept_page_is_never_somebody_elses_or_out_of_date(world: World) -> None:
    path = "/grace/two-moons"
    first = world.text(path)
    assert world.text(path) == first
    assert world.text(f"{path}?x=1") != first
    world.server.revise(world.fork, moons_lab() | {"model.py": b"x = 9\n"}, "Newer")
    assert "r3," in world.text(path)


def test_facets_narrow_the_list_and_what_is_chosen_can_be_taken_away(world: World) -> None:
    html = world.text("/")
    assert 'href="/services/labs/?language=' in html or 'href="/services/labs/?licence=MIT"' in html
    narrow = world.text("/?tag=numpy&licence=MIT")
    assert 'href="/services/labs/?licence=MIT">numpy' in narrow
    assert "Plain" not in narrow
    assert "No lab has all of that" in world.text("/?licence=Apache-2.0&tag=numpy")


def test_who_is_not_signed_in_reads_what_this_is_and_may_sign_in(world: World) -> None:
    html = world.text("/")
    assert "A lab is a notebook" in html
    assert 'href="/services/labs/login?next=' in html
    assert "A lab is a notebook" not in world.text("/?q=moons")


def test_featured_labs_come_first(world: World) -> None:
    assert "Featured" not in world.text("/")
    world.server.tools.stars.feature(world.lab, world.server.tools.clock())
    html = world.text("/")
    assert html.index("Featured") < html.index("Two moons") < html.index("All labs")
    world.server.tools.stars.feature(world.lab, None)
    assert "Featured" not in world.text("/")


def test_what_is_kept_of_the_first_page_is_never_older_than_the_labs(world: World) -> None:
    lab = world.server.publish("eve", {"a.py": b"1"}, title="Just now")
    assert "Just now" in world.text("/")
    world.server.tools.labs.trash(lab, world.server.tools.clock())
    assert "Just now" not in world.text("/")


def test_stars_are_on_cards_on_the_lab_and_on_the_page_of_who_gave_them(world: World) -> None:
    world.server.tools.stars.put(world.lab, "grace", world.server.tools.clock())
    assert 'title="Stars"' in world.text("/?q=moons")
    assert "Starred" in world.text("/grace")
    assert "Starred by grace" in world.text("/?starred_by=grace")


def test_pages_are_packed_and_light(world: World) -> None:
    for path in ("/", "/ada/two-moons", "/ada", "/ada/two-moons/files"):
        answer = world.read(path)
        assert answer.headers["content-encoding"] == "gzip", path
        assert "Accept-Encoding" in answer.headers["vary"], path
        weight = int(answer.headers["content-length"])
        plain = world.read(path, **{"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.text == answer.text
        for asset in set(re.findall(r'(?:href|src)="(/services/labs/static/[^"#]+)', answer.text)):
            weight += int(world.read(asset).headers["content-length"])
        assert weight < 200_000, path


def test_a_long_notebook_is_packed_as_it_is_streamed(world: World) -> None:
    many = [cell("code", "x = 1\n" * 2000, f"c{number}") for number in range(200)]
    lab = world.server.publish("ada", {"main.ipynb": notebook(many)}, title="Long")
    for _ in range(2):
        answer = world.read(f"/{lab.path}")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.text.rstrip().endswith("</html>")
        assert 'id="cell-c199"' in answer.text
