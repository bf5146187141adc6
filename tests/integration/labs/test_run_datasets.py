"""What runs put out as versions of datasets: which files, and how much of it there may be."""

from dataclasses import replace

import pytest
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, publish
from tests.support.content import cell, notebook
from tests.support.datasets import sha256, stored
from tests.support.run_desk import ended

from machinelabs_hub.gpu_settings import Plans
from machinelabs_hub.labs.models.dataset import DatasetFile
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.services.dataset_files import DatasetTooLarge, EmptyDataset
from machinelabs_hub.labs.services.room import GIB, StorageFull, held_by
from machinelabs_hub.labs.services.run_datasets import RunDatasetService
from machinelabs_hub.labs.services.tools import Tools

PLAN = Plans.model_validate(
    {
        "table": [{"name": "small", "title": "Small", "storage_gib": 1}],
        "default": "small",
        "admins": "small",
    }
)


def ran(tools: Tools, viewed_by: As, *paths: str) -> Run:
    """A finished run that put out these files, each of its own content."""
    lab = publish(viewed_by, ADA, files={"main.ipynb": notebook([cell("code", "1", "a")])})
    return ended(tools, lab, {path: path.encode() for path in paths})


def with_most(tools: Tools, files: int) -> Tools:
    datasets = tools.settings.datasets.model_copy(update={"files": files})
    return replace(tools, settings=tools.settings.model_copy(update={"datasets": datasets}))


def test_a_folder_is_taken_whole_whatever_lies_before_it(tools: Tools, viewed_by: As) -> None:
    before = [f"a/{number:02}" for number in range(8)]
    run = ran(tools, viewed_by, *before, "Z/no", "z/1", "z/2", "z/deep/3", "z_/no", "zz")
    stored(tools, ADA, "made")
    made = RunDatasetService(tools=with_most(tools, 5), viewer=ADA)
    version = made.make("ada", "made", run, folder="/z/")
    paths = [one.path for one in tools.dataset_versions.files(version.id)]
    assert paths == ["1", "2", "deep/3"]
    with pytest.raises(DatasetTooLarge, match="may have 5 files"):
        made.make("ada", "made", run, folder="a")
    with pytest.raises(EmptyDataset, match=r"no file in “none”\. Name another folder"):
        made.make("ada", "made", run, folder="none")


def test_a_plan_bounds_what_is_made_of_runs(tools: Tools, viewed_by: As) -> None:
    run = ran(tools, viewed_by)
    half = GIB // 2
    for path in ("a", "b"):
        name = sha256(path.encode())
        tools.run_outputs.put(run, path, size=half, sha256=name, at=tools.clock())
    tight = replace(tools, settings=tools.settings.model_copy(update={"plans": PLAN}))
    stored(tight, ADA, "made")
    made = RunDatasetService(tools=tight, viewer=ADA)
    held = held_by(tools, "ada")
    with pytest.raises(StorageFull, match=r"This needs 1\.0 GiB"):
        made.make("ada", "made", run)
    with pytest.raises(StorageFull):
        made.check_new(run)
    tools.run_outputs.drop(run, "b")
    assert made.make("ada", "made", run).size_bytes == half
    # What the dataset has takes no room again, and what is on its way has it already.
    assert made.make("ada", "made", run).number == 2
    assert held_by(tools, "ada") == held + half
    uploads = replace(viewed_by(ADA), tools=tight).dataset_uploads
    uploads.begin("ada", "made", "", [DatasetFile("new", half - held - 10, "0" * 64)])
    tools.run_outputs.put(run, "c", size=11, sha256=sha256(b"c"), at=tools.clock())
    with pytest.raises(StorageFull):
        made.make("ada", "made", run)
