"""From JupyterLab's paths to folders and labs."""

from pathlib import Path

import pytest

from jupyterlab_machinelabs.recent import MOST, Recent
from jupyterlab_machinelabs.targets import Targets
from machinelabs.errors import BadInput, FolderFault
from machinelabs.links import Link
from machinelabs.models import Lab


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a/\0", ".machinelabs/lab.json"])
def test_a_path_out_of_the_files_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadInput):
        Targets(root=tmp_path).resolve(path)


def test_a_folder_a_file_but_not_the_whole_home_can_become_a_lab(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "a.ipynb").touch()
    targets = Targets(root=tmp_path)
    assert targets.publishable("work") == Link(tmp_path / "work")
    assert targets.publishable("a.ipynb") == Link(tmp_path, "a.ipynb")
    with pytest.raises(FolderFault, match="whole home"):
        targets.publishable("")
    with pytest.raises(FolderFault, match="There is no"):
        targets.publishable("gone")


def lab(name: str) -> Lab:
    return Lab.from_json(
        {
            "owner": "eva", "name": name, "title": name, "description": "", "tags": [],
            "visibility": "public", "licence": "MIT", "revision": 1, "forks": 0, "stars": 0,
            "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z",
            "url": "http://x", "files_count": 1, "size_bytes": 1,
        }
    )  # fmt: skip


def test_recent_labs_are_newest_first_each_once_and_not_too_many(tmp_path: Path) -> None:
    recent = Recent(file=tmp_path / "a/recent.json")
    for number in [*range(MOST + 5), 3]:
        recent.add(lab(f"lab-{number}"), "x")
    found = [visit.lab for visit in recent.list()]
    assert found[:2] == ["eva/lab-3", f"eva/lab-{MOST + 4}"]
    assert len(found) == len(set(found)) == MOST


@pytest.mark.parametrize("text", ["", "{", "{}", '[{"x": 1}]', "[1]"])
def test_a_damaged_list_of_recent_labs_is_an_empty_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "recent.json"
    file.write_text(text)
    assert Recent(file=file).list() == []
