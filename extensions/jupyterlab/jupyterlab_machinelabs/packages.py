"""Packages that a person installed: offer a lab's requirements, install them, begin anew."""

import json
import re
import shutil
import site
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from jupyterlab_machinelabs.jobs import Cancelled, Job
from jupyterlab_machinelabs.targets import Targets
from machinelabs.errors import BadInput, FolderFault
from machinelabs.paths import shown

FILE: Final = "requirements.txt"

_LIST: Final = (
    "import importlib.metadata as m, json;"
    "print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
)


class InstallFailed(FolderFault):
    """pip could not install."""

    default_code = "install_failed"


class Packages:
    """What pip put into a person's home, for the `python` that their notebooks run."""

    def __init__(
        self, *, targets: Targets, python: str = sys.executable, user_base: Path | None = None
    ) -> None:
        self._targets = targets
        self._python = python
        self._base = user_base or Path(site.getuserbase())

    def offer(self, path: str) -> dict[str, Any] | None:
        """Return what the lab of `path` needs and this server lacks, or None."""
        link = self._targets.linked(path)
        if link is None or link.only is not None:
            return None
        try:
            text = (link.root / FILE).read_text(errors="replace")
        except OSError:
            return None
        missing = list(lacking(text.splitlines(), self.installed()))
        if not missing:
            return None
        return {"path": self._targets.name(link.root / FILE), "missing": missing}

    def installed(self) -> dict[str, str]:
        """Return the version of each package that notebooks find, by canonical name."""
        result = subprocess.run(
            [self._python, "-c", _LIST], capture_output=True, text=True, check=False
        )
        rows: list[list[str]] = json.loads(result.stdout) if result.returncode == 0 else []
        # The first of two is the one that is imported: a person's own comes before the image's.
        return {canonicalize_name(name): version for name, version in reversed(rows) if name}

    def install(self, path: str, job: Job) -> dict[str, Any]:
        """Install the requirements file `path`; pip's words go to the job's log.

        Raises:
            InstallFailed: with the last thing that pip said.
        """
        file = self._targets.resolve(path)
        if file.name != FILE or not file.is_file():
            raise BadInput(f"“{shown(path)}” is not a {FILE}.")
        command = [
            self._python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
            "--progress-bar", "off", "-r", str(file),
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            cwd=file.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        job.on_cancel = process.terminate
        with process:
            for line in process.stdout or ():
                job.say(line.rstrip())
        if job.is_cancelled:
            raise Cancelled("Cancelled. What pip had installed before stays.")
        if process.returncode:
            last = next((line for line in reversed(job.lines) if line.strip()), "")
            raise InstallFailed(f"pip could not install everything: {shown(last, 200)}")
        return {"restart": True}

    def reset(self) -> dict[str, Any]:
        """Move all packages of this person aside, whole; they can be moved back.

        Raises:
            FolderFault: there are none, or they cannot be moved.
        """
        parts = [part for name in ("lib", "bin") if (part := self._base / name).is_dir()]
        # The images make an empty folder for the first package.
        if not any((self._base / "lib").glob("python*/site-packages/*")):
            raise FolderFault("You have installed no packages of your own. Nothing was moved.")
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        trash = self._base / f"trash-{now}"
        try:
            trash.mkdir()
            for part in parts:
                shutil.move(part, trash / part.name)
        except OSError as error:
            raise FolderFault(f"Your packages cannot be moved: {error.strerror}.") from error
        home = Path.home()
        where = f"~/{trash.relative_to(home)}" if trash.is_relative_to(home) else str(trash)
        return {"moved_to": where}


def lacking(lines: Iterable[str], installed: Mapping[str, str]) -> Iterable[str]:
    """Yield the requirements that `installed` does not meet, and what only pip understands."""
    for line in lines:
        text = re.sub(r"(^|\s)#.*$", "", line).strip().rstrip("\\").strip()
        if not text or text.startswith(("--hash", "--index-url", "--extra-index-url", "-i ")):
            continue
        if not _is_met(text.split(" --hash")[0].strip(), installed):
            yield text


def _is_met(text: str, installed: Mapping[str, str]) -> bool:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return False
    if requirement.marker and not requirement.marker.evaluate():
        return True
    version = installed.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)
