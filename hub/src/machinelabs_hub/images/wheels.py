"""Collect pinned wheels on this machine, with its own pip configuration, proxy and certificates.

The builds themselves then need no package index, no certificate and no network.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from machinelabs_hub.images.errors import PackagesMissing
from machinelabs_hub.images.recipe import digest

PYTHON: Final = "3.11.2"
"""The distribution's Python, for which wheels are chosen whatever runs this."""

_NOT_OFFERED: Final = re.compile(r"No matching distribution|DO NOT MATCH THE HASHES")


def collect(pins: Sequence[Path], *, image: str, store: Path) -> Path:
    """Return a folder with the wheels that the requirement files `pins` name.

    A folder that was once complete is used again; those of older pins are removed.

    Raises:
        PackagesMissing: the index does not answer, or lacks a package.
    """
    folder = store / f"{image}-{digest(pins, root=pins[0].parent)[:12]}"
    done = folder / "complete"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for pin in pins:
        _download(pin, folder, image)
    done.touch()
    for old in store.glob(f"{image}-*"):
        if re.fullmatch(rf"{re.escape(image)}-[0-9a-f]{{12}}", old.name) and old != folder:
            shutil.rmtree(old)
    return folder


def choose(variants: Sequence[Path], pins: Sequence[Path], *, image: str, store: Path) -> Path:
    """Return the first of `variants` whose packages this machine's index offers.

    Raises:
        PackagesMissing: it offers none of them, or does not answer.
    """
    *preferred, last = variants
    for variant in preferred:
        try:
            collect([*pins, variant], image=image, store=store)
        except PackagesMissing as missing:
            if not missing.not_offered:
                raise
        else:
            return variant
    return last


def _download(pin: Path, folder: Path, image: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", f"--python-version={PYTHON}"]
    command += ["--dest", str(folder), "--requirement", str(pin)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        faults = [line for line in result.stderr.splitlines() if line.startswith("ERROR:")]
        said = (faults or result.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise PackagesMissing(
            image,
            said.removeprefix("ERROR: "),
            not_offered=bool(_NOT_OFFERED.search(result.stderr)),
        )
