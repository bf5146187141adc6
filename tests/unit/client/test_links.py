"""Where folders and files remember their labs."""

import threading
from pathlib import Path

import pytest

from machinelabs.errors import FolderFault
from machinelabs.fingerprints import Fingerprints
from machinelabs.links import Link, State, find
from machinelabs.status import Status, status

STATE = State("alice/x", 2, {"a": "sha"}, {"a": "other"}, strip=True)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    for link in (Link(tmp_path), Link(tmp_path, "a b.ipynb")):
        assert link.read() is None
        link.write(STATE)
        assert link.read() == STATE


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"lab": 1}', '{"lab":"a/b","revision":"x","files":{}}']
)
def test_a_damaged_state_is_a_sentence(tmp_path: Path, text: str) -> None:
    link = Link(tmp_path)
    link.write(STATE)
    link.state_file.write_text(text)
    with pytest.raises(FolderFault, match="damaged"):
        link.read()


def test_a_file_belongs_to_the_nearest_lab_around_it(tmp_path: Path) -> None:
    lab = tmp_path / "labs/x"
    (lab / "deep/er").mkdir(parents=True)
    Link(lab).write(STATE)
    assert find(lab / "deep/er/a.py", top=tmp_path) == Link(lab)
    assert find(lab, top=tmp_path) == Link(lab)
    assert find(tmp_path / "labs", top=tmp_path) is None
    assert find(tmp_path / "other.ipynb", top=tmp_path) is None


def test_a_notebook_published_alone_comes_before_its_folder(tmp_path: Path) -> None:
    Link(tmp_path, "one.ipynb").write(STATE)
    assert find(tmp_path / "one.ipynb", top=tmp_path) == Link(tmp_path, "one.ipynb")
    assert find(tmp_path / "two.ipynb", top=tmp_path) is None


def test_the_top_folder_is_never_a_lab(tmp_path: Path) -> None:
    Link(tmp_path).write(STATE)
    assert find(tmp_path, top=tmp_path) is None
    assert find(tmp_path / "a.ipynb", top=tmp_path) is None


def test_a_file_alone_has_a_status_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "a.ipynb"
    file.write_text("1")
    link, prints = Link(tmp_path, "a.ipynb"), Fingerprints()
    sha = prints.of(file)
    assert sha
    state = State("alice/a", 1, {"a.ipynb": sha})
    assert status(link, state, prints) == Status()
    (tmp_path / "beside.txt").touch()
    assert status(link, state, prints) == Status()
    file.write_text("2")
    assert status(link, state, prints) == Status(changed=("a.ipynb",))
    file.unlink()
    assert status(link, state, prints) == Status(deleted=("a.ipynb",))


def test_writers_at_once_leave_one_whole_state(tmp_path: Path) -> None:
    link = Link(tmp_path)
    states = [State("alice/x", number, {str(number): "s"}) for number in range(1, 9)]
    threads = [threading.Thread(target=link.write, args=(state,)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert link.read() in states
    assert len(list(link.state_file.parent.iterdir())) == 1


def test_a_fingerprint_follows_every_change(tmp_path: Path) -> None:
    prints, file = Fingerprints(), tmp_path / "a"
    assert prints.of(file) is None
    seen = set()
    for text in ("1", "2", "3"):
        file.write_text(text)
        seen.add(prints.of(file))
    assert len(seen) == 3
