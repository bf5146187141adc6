"""Inputs and datasets on a real site: from the web, another run, a push, and never from inside."""

import hashlib
from pathlib import Path

import pytest
from tests.support.ml import Terminal, terminal
from tests.support.site import Site, running
from tests.support.site_labs import api, publish
from tests.support.site_runs import again, start
from tests.support.web import web

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

MAKES = b"""import pathlib
text = pathlib.Path('inputs/data/a.bin').read_bytes()
pathlib.Path('outputs').mkdir()
pathlib.Path('outputs/model.pt').write_bytes(text[:1000])
print(len(text))
"""
OF_DATASET = b"""import os, pathlib
for path in sorted(pathlib.Path('data').rglob('*')):
    print(path, path.stat().st_size if path.is_file() else '-')
print(pathlib.Path('inputs/labels.csv').read_text(), end='')
for what in (lambda: pathlib.Path('data/labels.csv').write_text('mine'),
             lambda: pathlib.Path('data/new').write_text('mine'),
             lambda: pathlib.Path('data/labels.csv').unlink()):
    try:
        what()
    except OSError as error:
        print(type(error).__name__)
os.chmod('data', 0o755)
os.chmod('data/labels.csv', 0o644)
pathlib.Path('data/labels.csv').write_text('mine')
pathlib.Path('inputs/labels.csv').write_text('mine')
print(pathlib.Path('data/labels.csv').read_text())
"""
TAKES = b"import pathlib\nprint(len(pathlib.Path('inputs/m.pt').read_bytes()))\n"


def test_a_run_has_what_the_site_fetched_and_what_another_run_put_out(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    sha256 = hashlib.sha256(data).hexdigest()
    with web() as host, running(tmp_path, runs={"inputs": {"inside": [host.host]}}) as site:
        url = host.put("/a.bin", data, etag='"a"')
        asks = f"inputs:\n  - name: data/a.bin\n    url: {url}\n    sha256: {sha256}\n"
        made = start(site, "run-ada", "makes", {"main.py": MAKES, "ml.yaml": asks.encode()})
        assert made.wait_for(seconds=120) == "finished"
        assert made.said() == "1024000\n"
        assert [one["state"] for one in made.events("input")][-1] == "done"
        second = again(site, "run-ada", made.token, made.lab)
        assert second.wait_for(seconds=120) == "finished"
        assert host.times("/a.bin") == 1

        asks = f"inputs: [{{name: m.pt, url: 'run:{made.lab}#{made.number}/model.pt'}}]"
        takes = start(site, "run-ada", "takes", {"main.py": TAKES, "ml.yaml": asks.encode()})
        assert takes.wait_for(seconds=120) == "finished"
        assert takes.said() == "1000\n"

        inside = f"http://localhost:{host.port}/a.bin"
        asks = f"inputs: [{{name: x, url: '{inside}'}}]"
        door = start(site, "run-ada", "door", {"main.py": TAKES, "ml.yaml": asks.encode()})
        assert door.wait_for(seconds=120) == "failed"
        assert "inside network" in door.reason["sentence"]


def at_site(site: Site, folder: Path, person: str) -> Terminal:
    made = terminal(folder)
    made.done("login", site.url, "--token", given=f"{site.token(person)}\n")
    return made


def test_a_pushed_dataset_lies_in_a_run_which_changes_its_own_copy_only(
    site: Site, tmp_path: Path
) -> None:
    ada = at_site(site, tmp_path, "data-ada")
    pixels = bytes(range(256)) * 20_000
    (ada.folder / "digits/deep").mkdir(parents=True)
    (ada.folder / "digits/labels.csv").write_bytes(b"a,b\n1,2\n")
    (ada.folder / "digits/deep/pixels.bin").write_bytes(pixels)
    made = ada.done("dataset", "push", "digits", "data-ada/digits")
    assert (made["version"], made["files"], made["sent"]) == (1, 2, 2)

    asks = (
        b"mounts:\n  - {dataset: data-ada/digits@v1, at: data/}\n"
        b"inputs:\n  - {name: labels.csv, url: 'dataset:data-ada/digits@v1/labels.csv'}\n"
    )
    files = {"main.py": OF_DATASET, "ml.yaml": asks}
    run = start(site, "data-ada", "reads", files, image="base")
    assert run.wait_for(seconds=120) == "finished"
    lines = [
        "data/deep -", f"data/deep/pixels.bin {len(pixels)}", "data/labels.csv 8",
        "a,b", "1,2", *["PermissionError"] * 3, "mine",
    ]  # fmt: skip
    assert run.said().splitlines() == lines
    told = {one["name"]: one["state"] for one in run.events("input")}
    assert told == {"labels.csv": "done", "data/": "done"}
    run.settled()

    # Neither the dataset nor what the next run gets has a word of it.
    ada.done("dataset", "pull", "data-ada/digits@v1", "got")
    assert (ada.folder / "got/labels.csv").read_bytes() == b"a,b\n1,2\n"
    assert (ada.folder / "got/deep/pixels.bin").read_bytes() == pixels
    second = again(site, "data-ada", run.token, run.lab)
    assert second.wait_for(seconds=120) == "finished"
    assert second.said().splitlines() == lines

    # It is private: for somebody else there is none, by name and by what it is asked for.
    token = site.token("data-eve")
    for kind, text in {
        "mount": b"mounts: [{dataset: data-ada/digits@v1, at: data/}]\n",
        "input": b"inputs: [{name: a, url: 'dataset:data-ada/digits@v1/labels.csv'}]\n",
    }.items():
        publish(site, token, f"takes-{kind}", {"main.py": TAKES, "ml.yaml": text})
        with api(site, token) as client:
            answer = client.post(f"/labs/data-eve/takes-{kind}/runs", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "no_input"), answer.text
        assert "data-ada/digits" in answer.json()["message"]
    refused = at_site(site, tmp_path / "eve", "data-eve").ml("dataset", "pull", "data-ada/digits")
    assert refused.code != 0
    assert "There is no dataset" in refused.err
