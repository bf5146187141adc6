"""`pip install` in a notebook works at once, and stays over restarts and new images."""

import subprocess
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.images.conftest import Box, box_of

from machinelabs_hub.catalog.model import Build

pytestmark = [pytest.mark.engine, pytest.mark.images]


def a_wheel(folder: Path, name: str, version: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", f"__version__ = '{version}'\n")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def home() -> Iterator[str]:
    name = f"test-images-home-{uuid.uuid4().hex[:8]}"
    subprocess.run(["docker", "volume", "create", name], check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "volume", "rm", "-f", name], check=True, capture_output=True)


def notebook(box: Box, *cells: str) -> str:
    """Run cells in one kernel, as JupyterLab does, and return what they printed."""
    code = f"""
import nbformat, nbclient
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in {list(cells)!r}])
nbclient.NotebookClient(book, kernel_name="python3", timeout=60).execute()
print("".join(o.get("text", "") for cell in book.cells for o in cell.outputs))
"""
    return box.run("/opt/ml/bin/python", "-c", code)


def test_a_package_installed_in_a_notebook_is_imported_in_the_same_kernel(
    builds: dict[str, Build], home: str, tmp_path: Path
) -> None:
    wheel = a_wheel(tmp_path, "tinything", "1.0")
    with box_of(builds["base"].tag, "-v", f"{home}:/home/jovyan") as box:
        path = box.put(wheel)
        said = notebook(
            box,
            f"%pip install -q --no-index {path}",
            "import tinything, sys; print(tinything.__file__, sys.path)",
        )
        assert "/home/jovyan/.local/lib/python3.11/site-packages/tinything" in said


def test_packages_stay_over_restarts_and_another_image(
    builds: dict[str, Build], home: str, tmp_path: Path
) -> None:
    wheel = a_wheel(tmp_path, "tinything", "1.0")
    with box_of(builds["base"].tag, "-v", f"{home}:/home/jovyan") as box:
        path = box.put(wheel)
        box.run("pip", "install", "-q", "--no-index", path)
    with box_of(builds["datascience"].tag, "-v", f"{home}:/home/jovyan") as box:
        assert box.python("import tinything as t; print(t.__version__)") == "1.0"


def test_a_persons_version_comes_before_the_images(
    builds: dict[str, Build], home: str, tmp_path: Path
) -> None:
    wheel = a_wheel(tmp_path, "numpy", "9.9")
    with box_of(builds["datascience"].tag, "-v", f"{home}:/home/jovyan") as box:
        path = box.put(wheel)
        box.run("pip", "install", "-q", "--no-index", "--no-deps", path)
        assert box.python("import numpy; print(numpy.__version__)") == "9.9"


def test_nothing_a_person_installs_reaches_the_server(
    builds: dict[str, Build], home: str, tmp_path: Path
) -> None:
    wheel = a_wheel(tmp_path, "tornado", "9.9")
    with box_of(builds["base"].tag, "-v", f"{home}:/home/jovyan") as box:
        path = box.put(wheel)
        box.run("pip", "install", "-q", "--no-index", "--no-deps", path)
        assert box.python("import tornado; print(tornado.__version__)") == "9.9"
        assert box.run("jupyter", "lab", "--version").startswith("4.")


def test_a_virtual_environment_of_ones_own_works(base: Box, tmp_path: Path) -> None:
    wheel = a_wheel(tmp_path, "tinything", "2.0")
    path = base.put(wheel)
    base.run("python", "-m", "venv", "/home/jovyan/mine")
    base.run("/home/jovyan/mine/bin/pip", "install", "-q", "--no-index", path)
    assert base.run(
        "/home/jovyan/mine/bin/python", "-c", "import tinything; print(tinything.__version__)"
    )
