"""Inputs on a real site: from a host of the web, from another run, and never from inside."""

import hashlib
from pathlib import Path

import pytest
from tests.support.site import running
from tests.support.site_runs import again, start
from tests.support.web import web

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

MAKES = b"""import pathlib
text = pathlib.Path('inputs/data/a.bin').read_bytes()
pathlib.Path('outputs').mkdir()
pathlib.Path('outputs/model.pt').write_bytes(text[:1000])
print(len(text))
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
