"""The pages of datasets: find one, look into it, make one, share and delete it."""

from collections.abc import Iterator

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.datasets import begin, stored
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import ended_run

from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person

ADA, EVE = Person("ada", "Ada"), Person("eve", "Eve")
AS_ADA, AS_EVE = {"X-As": "ada"}, {"X-As": "eve"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as running:
        running.seen_as(ADA, EVE)
        running.publish("ada", {"main.ipynb": notebook([cell("code", "1", "a")])}, name="lab")
        tools = running.tools
        stored(tools, ADA, "digits", {"README.md": b"# Old\n"},
               {"README.md": b"# By hand\n\n[rows](train/a.csv) <script>alert(1)</script>\n",
                "train/a.csv": b"height,width\n1,2\n"},
               title="Handwritten digits", visibility=Visibility.PUBLIC, tags=("vision",))  # fmt: skip
        stored(tools, ADA, "secret", {"a.txt": b"nobody knows"})
        yield running


@pytest.fixture
def web(server: LabsServer) -> Iterator[httpx.Client]:
    at = f"http://127.0.0.1:{server.settings.site.port}/services/labs"
    headers = {"Host": server.url.split("/")[2]}
    with httpx.Client(base_url=at, headers=headers, timeout=30) as client:
        yield client


def test_the_catalogue_shows_what_one_may_see_and_finds_it(web: httpx.Client) -> None:
    page = web.get("/datasets").text
    assert "Handwritten digits" in page
    assert "secret" not in page
    assert "secret" in web.get("/datasets", headers=AS_ADA).text
    assert "Handwritten digits" in web.get("/datasets", params={"q": "handWRITTEN"}).text
    assert "No dataset fits" in web.get("/datasets", params={"q": "zebra"}).text
    assert "Handwritten digits" in web.get("/datasets", params={"tag": "vision"}).text
    assert web.get("/datasets/ada/secret", headers=AS_EVE).status_code == 404


def test_a_dataset_shows_its_readme_files_and_versions(web: httpx.Client) -> None:
    page = web.get("/datasets/ada/digits").text
    assert "By hand" in page
    assert "<script>alert" not in page
    assert "dataset: ada/digits@v2" in page
    assert '/datasets/ada/digits/@v2/files/train/a.csv"' in page
    old = web.get("/datasets/ada/digits/@v1").text
    assert "v2 is newer" in old
    assert "Old" in old
    preview = web.get("/datasets/ada/digits/@v2/files/train/a.csv").text
    assert "<th" in preview
    assert "height" in preview
    assert "/api/v1/datasets/ada/digits/versions/2/files/train/a.csv" in preview
    for gone in ("@v3", "@r1", "v1", "@v1/files/train/a.csv"):
        assert web.get(f"/datasets/ada/digits/{gone}").status_code == 404, gone


def test_one_is_made_changed_shared_deleted_and_restored_with_forms(web: httpx.Client) -> None:
    said = {"called": "Bad name", "title": "", "visibility": "private", "_csrf": "-"}
    bad = web.post("/datasets/new", data=said, headers=AS_ADA)
    assert (bad.status_code, "cannot be a dataset" in bad.text) == (422, True)
    made = web.post("/datasets/new", data=said | {"called": "formed"}, headers=AS_ADA)
    at = "/datasets/ada/formed"
    assert made.headers["location"].endswith(at)
    assert "ml dataset push FOLDER ada/formed" in web.get(at, headers=AS_ADA).text
    changed = {"title": "Formed", "tags": "a, b", "visibility": "private", "_csrf": "-"}
    assert web.post(f"{at}/settings", data=changed, headers=AS_ADA).status_code == 303
    shared = {"kind": "person", "member": "eve", "role": "viewer", "_csrf": "-"}
    web.get("/", headers=AS_EVE)
    web.post("/datasets/new", data=said | {"called": "eves"}, headers=AS_EVE)
    assert web.get(at, headers=AS_EVE).status_code == 404
    assert web.post(f"{at}/members", data=shared, headers=AS_ADA).status_code == 303
    assert "Formed" in web.get(at, headers=AS_EVE).text
    assert web.get(f"{at}/settings", headers=AS_EVE).status_code == 403
    assert "eve" in web.get(f"{at}/settings", headers=AS_ADA).text
    assert web.post(f"{at}/members/remove", data=shared, headers=AS_ADA).status_code == 303
    assert web.get(at, headers=AS_EVE).status_code == 404
    unsure = web.post(f"{at}/delete", data={"confirm": "x", "_csrf": "-"}, headers=AS_ADA)
    assert unsure.status_code == 422
    web.post(f"{at}/delete", data={"confirm": "formed", "_csrf": "-"}, headers=AS_ADA)
    assert web.get(at, headers=AS_ADA).status_code == 404
    assert "ada/formed" in web.get("/trash", headers=AS_ADA).text
    back = {"owner": "ada", "name": "formed", "_csrf": "-"}
    assert web.post("/datasets/restore", data=back, headers=AS_ADA).status_code == 303
    assert "Formed" in web.get(at, headers=AS_ADA).text


def test_a_run_offers_what_it_put_out_as_a_dataset(server: LabsServer, web: httpx.Client) -> None:
    number = ended_run(server, {"made/a.csv": b"1\n"})
    run = f"ada/lab#{number}"
    page = web.get(f"/ada/lab/runs/{number}", headers=AS_ADA).text
    assert f"/datasets/new?run=ada/lab%23{number}" in page
    assert "run-dataset" not in web.get(f"/ada/lab/runs/{number}").text
    form = web.get("/datasets/new", params={"run": run}, headers=AS_ADA).text
    assert 'value="lab-data"' in form
    said = {"called": "lab-data", "visibility": "public", "run": run, "_csrf": "-"}
    for version in (1, 2):
        assert web.post("/datasets/new", data=said, headers=AS_ADA).status_code == 303
        shown = web.get("/datasets/ada/lab-data").text
        assert f"v{version} is what the run" in shown
    assert "made/a.csv" in shown


def test_outputs_never_become_more_public_than_the_form_says(
    server: LabsServer, web: httpx.Client
) -> None:
    stored(server.tools, ADA, "open-data", {"a": b"1"}, visibility=Visibility.PUBLIC)
    number = ended_run(server, {"secret.csv": b"private"})
    said = {"called": "open-data", "run": f"ada/lab#{number}", "_csrf": "-"}
    refused = web.post("/datasets/new", data=said | {"visibility": "private"}, headers=AS_ADA)
    assert refused.status_code == 422
    assert "it is public; private was chosen. Choose public to make this" in refused.text
    assert web.get("/datasets/ada/open-data/@v2", headers=AS_ADA).status_code == 404
    done = web.post("/datasets/new", data=said | {"visibility": "public"}, headers=AS_ADA)
    assert done.status_code == 303
    assert "secret.csv" in web.get("/datasets/ada/open-data").text


def test_what_is_refused_leaves_no_empty_dataset(server: LabsServer, web: httpx.Client) -> None:
    number = ended_run(server, {})
    said = {"called": "nothing", "visibility": "private", "run": f"ada/lab#{number}", "_csrf": "-"}
    refused = web.post("/datasets/new", data=said, headers=AS_ADA)
    assert (refused.status_code, "put out no file" in refused.text) == (422, True)
    assert web.get("/datasets/ada/nothing", headers=AS_ADA).status_code == 404


def test_open_uploads_are_given_up_where_one_uploads(server: LabsServer, web: httpx.Client) -> None:
    stored(server.tools, EVE, "eves-own")
    at = f"http://127.0.0.1:{server.settings.site.port}/services/labs/api/v1"
    with httpx.Client(base_url=at, timeout=30) as api:
        one = begin(api, "eve", "eve/eves-own", {"a": b"1", "b": b"2"}, "Never ended")
    here = "/datasets/eve/eves-own/upload"
    page = web.get(here, headers=AS_EVE).text
    assert "“Never ended”: 2 of 2 files are missing." in page
    said = {"upload": one["id"], "_csrf": "-"}
    for _ in range(2):
        assert web.post(f"{here}/give-up", data=said, headers=AS_EVE).status_code == 303
    assert "Give up" not in web.get(here, headers=AS_EVE).text
    assert server.tools.dataset_uploads.count_of("eve") == 0


def test_the_readme_is_shown_however_many_files_are_before_it(
    server: LabsServer, web: httpx.Client
) -> None:
    pictures = {f"{number:03}.jpg": b"%d" % number for number in range(201)}
    stored(server.tools, ADA, "photos", {"README.md": b"# Taken by hand\n"} | pictures)
    page = web.get("/datasets/ada/photos", headers=AS_ADA).text
    assert "Taken by hand" in page
    assert "200.jpg" not in page


def test_settings_keep_what_was_typed_when_they_are_refused(web: httpx.Client) -> None:
    said = {
        "title": "Typed", "description": "For an hour", "tags": "no tag!!, fine", "licence": "MIT",
        "visibility": "unlisted", "_csrf": "-",
    }  # fmt: skip
    answer = web.post("/datasets/ada/secret/settings", data=said, headers=AS_ADA)
    assert answer.status_code == 422
    for kept in (
        'value="Typed"', ">For an hour<", 'value="no tag!!, fine"', '<option value="MIT" selected',
        '<option value="unlisted" selected',
    ):  # fmt: skip
        assert kept in answer.text, kept
    assert "Typed" not in web.get("/datasets/ada/secret/settings", headers=AS_ADA).text
