"""One program at a time is at a folder, and who dies lets go."""

import subprocess
import sys
from pathlib import Path

import pytest

from machinelabs.errors import Busy, FolderFault
from machinelabs.hold import hold
from machinelabs.links import Link

HOLDER = """\
import sys, time
from pathlib import Path
from machinelabs.hold import hold
from machinelabs.links import Link
with hold(Link(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_folder_or_file_is_held_once_at_a_time(tmp_path: Path) -> None:
    with (
        hold(Link(tmp_path)),
        hold(Link(tmp_path, "a.ipynb")),
        hold(Link(tmp_path, "b.ipynb")),
        pytest.raises(Busy, match=r"publishing or changing “a\.ipynb” at this moment"),
        hold(Link(tmp_path, "a.ipynb")),
    ):
        pass
    with hold(Link(tmp_path)), hold(Link(tmp_path, "a.ipynb")):
        pass


def test_another_process_keeps_us_out_until_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"“{tmp_path.name}”"), hold(Link(tmp_path)):
            pass
        process.kill()
    with hold(Link(tmp_path)):
        pass


def test_a_folder_that_takes_no_files_says_so(tmp_path: Path) -> None:
    (tmp_path / ".machinelabs").write_text("a file")
    with pytest.raises(FolderFault, match="cannot be written to"), hold(Link(tmp_path)):
        pass
