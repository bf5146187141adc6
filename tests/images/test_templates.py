"""Every template runs clean in its image: no internet, no error, no warning on standard error."""

import json
from pathlib import Path

import pytest
import yaml
from tests.images.conftest import Box

from machinelabs_hub.sites import CHECKOUT

pytestmark = [pytest.mark.engine, pytest.mark.images]

TEMPLATES = sorted(path for path in (CHECKOUT / "config" / "content").iterdir() if path.is_dir())
SECONDS = 300
PYTHON = ("env", "OMP_NUM_THREADS=1", "/opt/ml/bin/python", "-c")
"""As the size that the templates name sets it."""

RUN = """
import sys, time
sys.path.append("/opt/ml/lib/python3.11/site-packages")
import nbformat
from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name="python3")
manager.start_kernel(cwd=sys.argv[1])
client = manager.blocking_client()
client.start_channels()
client.wait_for_ready(timeout=60)
bad = []

def hook(message):
    content = message["content"]
    if message["msg_type"] == "error":
        bad.append(content["ename"] + ": " + content["evalue"])
    if message["msg_type"] == "stream" and content["name"] == "stderr":
        bad.append(content["text"])

began = time.monotonic()
for cell in nbformat.read(sys.argv[1] + "/main.ipynb", as_version=4).cells:
    if cell.cell_type == "code" and cell.source and not bad:
        client.execute_interactive(cell.source, timeout=240, output_hook=hook)
manager.shutdown_kernel(now=True)
print(round(time.monotonic() - began, 1), *bad, sep="\\n")
"""


@pytest.mark.parametrize("folder", TEMPLATES, ids=lambda folder: folder.name)
def test_a_template_is_clean_and_says_what_it_is(folder: Path) -> None:
    book = json.loads((folder / "main.ipynb").read_text())
    cells = book["cells"]
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in cells)
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert "".join(cells[0]["source"]).startswith("# ")
    readme = (folder / "README.md").read_text()
    assert readme.startswith("# ")
    assert len(readme.split("\n\n")[1]) > 40


@pytest.mark.parametrize("folder", TEMPLATES, ids=lambda folder: folder.name)
def test_a_template_runs_clean_in_its_image_without_internet(
    folder: Path, boxes: dict[str, Box]
) -> None:
    box = boxes[yaml.safe_load((folder / "ml.yaml").read_text())["image"]]
    box.put(folder)
    place = f"/tmp/{folder.name}"
    box.run("cp", "-r", f"/srv/{folder.name}", place)
    said = box.run(*PYTHON, RUN, place, timeout=SECONDS).splitlines()
    assert said[1:] == []
    assert float(said[0]) < 120
