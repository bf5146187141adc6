"""Every image holds what its row of the catalogue promises, and is shut in."""

import json
import re
from collections.abc import Callable

import pytest
from tests.images.conftest import Box

from machinelabs_hub.catalog.load import load
from machinelabs_hub.catalog.model import Build, Catalog, Image
from machinelabs_hub.images.build import WORK
from machinelabs_hub.images.recipe import own_wheels
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import CHECKOUT, catalog_file

pytestmark = [pytest.mark.engine, pytest.mark.images]

IMAGES = load(catalog_file(Settings()), CHECKOUT / "no-builds").images
PROGRAMS = {"Python": ("python", "--version"), "JupyterLab": ("jupyter", "lab", "--version")}


def with_parents(image: Image, catalog: Catalog) -> list[Image]:
    parents = {row.name: row for row in catalog.images}
    return [image, *(with_parents(parents[image.parent], catalog) if image.parent else [])]


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_holds_what_the_catalogue_promises(
    image: Image, boxes: dict[str, Box], catalog: Catalog
) -> None:
    box = boxes[image.name]
    for package in (one for row in with_parents(image, catalog) for one in row.contains):
        if package.module:
            found = box.python(f"import {package.module} as m; print(m.__version__)")
        else:
            found = box.run(*PROGRAMS[package.name])
        version = re.sub(r"^\D*", "", found)
        assert re.match(rf"{re.escape(package.version)}(\.|$|\+)", version), (package, found)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_the_card_of_an_image_does_not_lie_about_its_size(
    image: Image, builds: dict[str, Build], record_testsuite_property: Callable[[str, object], None]
) -> None:
    record_testsuite_property(f"MiB of {image.name}", builds[image.name].size_mib)
    assert 200 < builds[image.name].size_mib < (8000 if image.name == "pytorch" else 2000)


def test_science_works(boxes: dict[str, Box]) -> None:
    box = boxes["datascience"]
    code = """
import matplotlib, numpy, pandas, warnings
warnings.simplefilter("error")
from sklearn.linear_model import LinearRegression
x = numpy.arange(10).reshape(-1, 1)
print(round(LinearRegression().fit(x, 3 * x.ravel() + 1).predict([[20]])[0]))
import matplotlib.pyplot as plot
pandas.DataFrame({"a": [1, 2]}).plot(title="Größe")
plot.savefig("/tmp/plot.png")
"""
    out = box.attempt("env", "MPLBACKEND=agg", "python", "-c", code)
    assert (out.returncode, out.stdout.strip()) == (0, "61"), out.stderr


def test_torch_learns(boxes: dict[str, Box]) -> None:
    code = """
import torch
w = torch.zeros(1, requires_grad=True)
for _ in range(50):
    loss = (w * 2 - 6).pow(2).sum(); loss.backward()
    with torch.no_grad(): w -= 0.1 * w.grad; w.grad.zero_()
print(round(w.item(), 2))
"""
    assert boxes["pytorch"].python(code) == "3.0"


def test_our_extension_is_listed_where_it_was_built(boxes: dict[str, Box]) -> None:
    if not any("jupyterlab_machinelabs" in path.name for path in own_wheels(WORK / "wheels")):
        pytest.skip("the extension is not built: make extension")
    for box in boxes.values():
        listed = box.attempt("jupyter", "labextension", "list")
        assert re.search(r"jupyterlab-machinelabs v\S+ .*enabled.*OK", listed.stderr), listed.stderr
        server = box.attempt("jupyter", "server", "extension", "list")
        text = server.stdout + server.stderr
        assert re.search(r"jupyterlab_machinelabs \S+ .*OK", text), text


def test_widgets_of_the_notebooks_python_are_found_by_jupyterlab(base: Box) -> None:
    listed = base.attempt("jupyter", "labextension", "list").stderr
    assert re.search(r"@jupyter-widgets/jupyterlab-manager .*enabled.*OK", listed), listed


def test_a_container_is_a_person_without_rights(boxes: dict[str, Box]) -> None:
    for box in boxes.values():
        assert box.run("id", "-u") == box.run("id", "-g") == "1000"
        assert box.run("id", "-un") == "jovyan"
        assert box.run("stat", "-c", "%U:%G", "/home/jovyan") == "jovyan:jovyan"
        assert box.attempt("which", "sudo").returncode != 0
        assert box.attempt("touch", "/opt/ml/x").returncode != 0
        assert box.attempt("touch", "/usr/local/x").returncode != 0
        set_id = box.run("find", "/opt", "/usr/local", "-perm", "/6000", "-type", "f")
        assert set_id == ""


def test_the_locale_is_utf_8_and_git_is_there(base: Box) -> None:
    assert base.python("import locale; print(locale.getpreferredencoding())") == "UTF-8"
    assert base.run("git", "--version").startswith("git version 2.")


def test_pip_check_misses_just_what_was_left_out_on_purpose(base: Box) -> None:
    text = (CHECKOUT / "images/base/left-out.in").read_text()
    left_out = {line.split()[0] for line in text.splitlines() if line and line[0] != "#"}
    said = base.attempt("python", "-m", "pip", "--python", "/opt/ml/bin/python", "check").stdout
    missing = set(re.findall(r"requires ([\w.-]+), which is not installed", said))
    # pip does not look at extras, so what is left out of jsonschema's does not show.
    assert {"ipykernel", "jupyter-lsp"} <= missing <= left_out
    assert "but you have" not in said
    assert base.run("python", "-m", "pip", "check") == "No broken requirements found."


def test_jupyterlab_is_set_up_for_the_site(base: Box) -> None:
    lab = "/opt/ml/share/jupyter/lab/settings/overrides.json"
    overrides = json.loads(base.run("cat", lab))
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert not overrides["@jupyterlab/docmanager-extension:plugin"]["renameUntitledFileOnSave"]
