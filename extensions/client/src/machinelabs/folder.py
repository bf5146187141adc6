"""What of a folder would be published: files with sizes, what is left out, what is in the way."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from machinelabs import ignore
from machinelabs.errors import FolderFault
from machinelabs.ignore import IgnoreRules
from machinelabs.models import Limits
from machinelabs.notebooks import SUFFIX
from machinelabs.paths import clashes, fault_of, shown

MOST: Final = 50_000
"""Entries after which a folder is no lab: nobody means to publish so many."""

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that would be published: `path` in the lab, `source` on this disk."""

    path: str
    source: Path
    size: int
    executable: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or a whole folder that stays here: `reason` is hidden, cache, ignored or special."""

    path: str
    reason: str


@dataclass(slots=True)
class Scan:
    """What was found in a folder. `faults` are sentences; with one nothing can be published."""

    files: list[Entry] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.files)


def scan(root: Path) -> Scan:
    """Look through the folder `root`, by name, folders before what is in them.

    Raises:
        FolderFault: it is no folder, or cannot be read.
    """
    if not root.is_dir():
        raise FolderFault(f"There is no folder “{shown(root.name)}”.")
    found = Scan()
    for seen, (relative, entry) in enumerate(_walk(root, IgnoreRules(), found)):
        if seen >= MOST:
            found.faults.append(f"The folder holds more than {MOST:,} files. Choose a smaller one.")
            break
        _take(root, relative, entry, found)
    found.files.sort(key=lambda file: file.path)
    for one, other in clashes(file.path for file in found.files):
        found.faults.append(
            f"“{shown(one)}” and “{shown(other)}” are one file on many machines. "
            "Rename one of them."
        )
    return found


def scan_file(source: Path) -> Scan:
    """Look at one file that is published alone."""
    found = Scan()
    if source.is_symlink() or not source.is_file():
        raise FolderFault(f"“{shown(source.name)}” is not a file.")
    if fault := fault_of(source.name):
        found.faults.append(fault)
    else:
        found.files.append(_entry(source.name, source))
    return found


def over_limits(found: Scan, limits: Limits) -> list[str]:
    """Return a sentence for each limit of the site that the files are over."""
    faults = []
    if len(found.files) > limits.lab_files:
        faults.append(
            f"{len(found.files):,} files are too many; a lab may have {limits.lab_files:,}. "
            "Leave some out with .mlignore, or pack them."
        )
    for file in found.files:
        is_notebook = file.path.endswith(SUFFIX)
        most = limits.notebook_mib if is_notebook else limits.file_mib
        if file.size > most * MIB:
            what = "a notebook" if is_notebook else "a file"
            faults.append(
                f"“{shown(file.path)}” has {file.size / MIB:,.0f} MiB; {what} of a lab may have "
                f"{most:,}."
            )
    if found.size > limits.lab_mib * MIB:
        faults.append(
            f"The files have {found.size / MIB:,.0f} MiB; a lab may have {limits.lab_mib:,}."
        )
    return faults


def _rules(root: Path, below: str, rules: IgnoreRules) -> IgnoreRules:
    for name in ignore.FILES:
        try:
            text = (root / below / name).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, IsADirectoryError):
            continue
        except OSError as error:
            raise FolderFault(f"{name} cannot be read: {error.strerror}.") from error
        rules = rules.also(text, below)
    return rules


def _walk(
    root: Path, rules: IgnoreRules, found: Scan, below: str = ""
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        with os.scandir(root / below) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        found.faults.append(f"“{shown(below or root.name)}” cannot be read: {error.strerror}.")
        return
    rules = _rules(root, below, rules)
    for entry in entries:
        relative = f"{below}/{entry.name}" if below else entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if reason := rules.reason(relative, is_folder=is_folder):
            found.left_out.append(LeftOut(relative, reason))
        elif is_folder:
            yield from _walk(root, rules, found, relative)
        else:
            yield relative, entry


def _take(root: Path, relative: str, entry: os.DirEntry[str], found: Scan) -> None:
    if fault := fault_of(relative):
        found.faults.append(fault)
        return
    source = Path(entry.path)
    try:
        if entry.is_symlink():
            source = _target(root, relative, source)
        if not stat.S_ISREG(source.stat().st_mode):
            found.left_out.append(LeftOut(relative, "special"))
        elif not os.access(source, os.R_OK):
            found.faults.append(f"You may not read “{shown(relative)}”. Change that, or ignore it.")
        else:
            found.files.append(_entry(relative, source))
    except FolderFault as fault_there:
        found.faults.append(str(fault_there))
    except FileNotFoundError:
        # It went between the listing and the look: then it is not published.
        return


def _target(root: Path, relative: str, link: Path) -> Path:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise FolderFault(f"“{shown(relative)}” is a link to nothing. Remove it.") from error
    if not target.is_relative_to(root.resolve()):
        raise FolderFault(
            f"“{shown(relative)}” is a link to something outside the folder. "
            "Copy the file here instead, or name it in .mlignore."
        )
    if target.is_dir():
        raise FolderFault(
            f"“{shown(relative)}” is a link to a folder, which a lab cannot hold. "
            "Remove it, or name it in .mlignore."
        )
    return target


def _entry(relative: str, source: Path) -> Entry:
    about = source.stat()
    return Entry(relative, source, about.st_size, executable=bool(about.st_mode & stat.S_IXUSR))
