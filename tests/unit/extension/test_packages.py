"""What a lab needs that is not here, and beginning anew."""

import sys
from pathlib import Path

import pytest

from jupyterlab_machinelabs.packages import Packages, lacking
from jupyterlab_machinelabs.targets import Targets
from machinelabs.errors import FolderFault
from machinelabs.links import Link, State

HERE = {"numpy": "2.3.1", "scikit-learn": "1.7.0"}


@pytest.mark.parametrize(
    ("line", "is_lacking"),
    [
        ("numpy", False),
        ("NumPy>=2  # arrays", False),
        ("scikit_learn==1.7.*", False),
        ("numpy<2", True),
        ("polars", True),
        ("polars; python_version < '3'", False),
        ("numpy==2.3.1 --hash=sha256:abc", False),
        ("git+https://example.org/x", True),
        ("-r other.txt", True),
        ("--index-url https://example.org", False),
        ("# nothing", False),
        ("", False),
    ],
)
def test_only_what_is_not_met_is_offered(line: str, *, is_lacking: bool) -> None:
    assert bool(list(lacking([line], HERE))) is is_lacking


def test_an_opened_lab_offers_what_is_missing_here(tmp_path: Path) -> None:
    lab = tmp_path / "labs/x"
    lab.mkdir(parents=True)
    Link(lab).write(State("eva/x", 1, {}))
    packages = Packages(targets=Targets(root=tmp_path), python=sys.executable)
    assert packages.offer("labs/x") is None
    (lab / "requirements.txt").write_text("pytest\nno-such-package-anywhere\n")
    assert packages.offer("labs/x/main.ipynb") == {
        "path": "labs/x/requirements.txt",
        "missing": ["no-such-package-anywhere"],
    }
    assert packages.offer("elsewhere") is None


def test_a_reset_moves_packages_aside_whole(tmp_path: Path) -> None:
    for name in ("lib/python3.11/site-packages/x", "bin", "share"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lib/python3.11/site-packages/x/y.py").write_text("kept")
    packages = Packages(targets=Targets(root=tmp_path), user_base=tmp_path)
    moved = Path(packages.reset()["moved_to"].replace("~", str(Path.home()), 1))
    assert (moved / "lib/python3.11/site-packages/x/y.py").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["share", moved.name]
    with pytest.raises(FolderFault, match="no packages of your own"):
        packages.reset()
