"""Take the files of a lab in: check all of them first, then write them to the store."""

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Final

from machinelabs_hub.catalog.model import Catalog
from machinelabs_hub.errors import BadInput, TooLarge
from machinelabs_hub.labs.models import config
from machinelabs_hub.labs.models.config import LabConfig, read_config
from machinelabs_hub.labs.models.entrypoint import entrypoint_of
from machinelabs_hub.labs.models.notebooks import SUFFIX, check_notebook
from machinelabs_hub.labs.models.paths import check_path, check_together, is_kept_out
from machinelabs_hub.labs.models.revision import FileEntry
from machinelabs_hub.labs.models.texts import (
    LONGEST,
    LONGEST_README,
    Texts,
    is_script,
    of_notebook,
    of_script,
    readme_among,
    together,
)
from machinelabs_hub.labs.storage import tar
from machinelabs_hub.labs.storage.repos import RepoStore
from machinelabs_hub.names import shown
from machinelabs_hub.settings import Limits

MIB: Final = 1 << 20

Reader = Callable[[tar.Member, int | None], bytes]
"""Gives the content of a file, or its beginning."""


class TooManyFiles(TooLarge):
    """More files than a lab may have."""

    code = "too_many_files"


class FileTooLarge(TooLarge):
    """A file larger than a file may be."""

    code = "file_too_large"


class LabTooLarge(TooLarge):
    """Files that are larger together than a lab may be."""

    code = "lab_too_large"


class EmptyLab(BadInput):
    """No file was sent."""

    code = "empty_lab"


@dataclass(frozen=True, slots=True)
class Parcel:
    """Files that passed every check, not yet in the store."""

    members: tuple[tar.Member, ...]
    config: LabConfig
    entrypoint: str | None
    texts: Texts
    size_bytes: int


def inspect(files: BinaryIO, limits: Limits, catalog: Catalog) -> Parcel:
    """Check a tar of a lab's files without writing anything.

    Raises:
        BadInput: says which file is the matter.
        TooLarge: says which limit.
    """
    return check(tar.members(files), partial(_bytes, files), limits, catalog)


def check(members: Iterable[tar.Member], read: Reader, limits: Limits, catalog: Catalog) -> Parcel:
    """Check the files of a lab, wherever they are; `read` gives their content.

    Raises:
        BadInput: says which file is the matter.
        TooLarge: says which limit.
    """
    found = listed(members, limits)
    books = []
    for member in found:
        if member.path.endswith(SUFFIX):
            tree = check_notebook(member.path, read(member, None))
            books.append(of_notebook(member.path, tree))
    settings = _config(read, found, catalog)
    entrypoint = entrypoint_of((member.path for member in found), settings.entrypoint)
    books += [
        of_script(member.path, read(member, LONGEST))
        for member in found
        if member.path == entrypoint and is_script(member.path)
    ]
    return Parcel(
        members=tuple(found),
        config=settings,
        entrypoint=entrypoint,
        texts=together(books, entrypoint=entrypoint, readme=_readme(read, found)),
        size_bytes=sum(member.size for member in found),
    )


def write(files: BinaryIO, parcel: Parcel, repos: RepoStore, store: str) -> tuple[FileEntry, ...]:
    """Write the files of a parcel to a store, each once, and return them ordered by path."""
    written = []
    with repos.writing(store):
        for member in parcel.members:
            source = _Hashing(tar.content(files, member))
            blob = repos.add_blob(store, io.BufferedReader(source, 1 << 18), member.size)
            sha256, executable = source.sha256(), member.executable
            written.append(FileEntry(member.path, member.size, sha256, blob, executable))
    return tuple(sorted(written, key=lambda entry: entry.path))


def listed(members: Iterable[tar.Member], limits: Limits) -> list[tar.Member]:
    """Return the files that a lab would have, checked by their paths and sizes alone.

    Raises:
        BadInput: says which file is the matter.
        TooLarge: says which limit.
    """
    found = _few(members, limits)
    for member in found:
        _check_size(member, limits)
    check_together(member.path for member in found)
    return found


def _few(members: Iterable[tar.Member], limits: Limits) -> list[tar.Member]:
    found: list[tar.Member] = []
    total = 0
    for member in members:
        if is_kept_out(member.path):
            continue
        check_path(member.path)
        found.append(member)
        total += member.size
        if len(found) > limits.lab_files:
            raise TooManyFiles(
                f"This lab has more than {limits.lab_files} files, the most that a lab may have "
                "here. Leave some out, or put them into an archive."
            )
        if total > limits.lab_mib * MIB:
            raise LabTooLarge(
                f"The files of this lab are larger than {limits.lab_mib} MiB together, the most "
                "that a lab may have here."
            )
    if not found:
        raise EmptyLab("A lab needs at least one file. Choose what to publish.")
    return found


def _check_size(member: tar.Member, limits: Limits) -> None:
    is_notebook = member.path.endswith(SUFFIX)
    most = min(limits.notebook_mib, limits.file_mib) if is_notebook else limits.file_mib
    if member.size > most * MIB:
        kind = "a notebook" if is_notebook else "a file"
        hint = " Clear the outputs that you do not need." if is_notebook else ""
        raise FileTooLarge(
            f"“{shown(member.path)}” has {member.size / MIB:.1f} MiB. The most that {kind} may "
            f"have here is {most} MiB.{hint}"
        )


def _config(read: Reader, found: list[tar.Member], catalog: Catalog) -> LabConfig:
    for member in found:
        if member.path == config.NAME:
            return read_config(read(member, config.LARGEST + 1), catalog)
    return LabConfig()


def _readme(read: Reader, found: list[tar.Member]) -> str:
    member = readme_among(found)
    return read(member, LONGEST_README).decode("utf-8", "ignore") if member else ""


def _bytes(files: BinaryIO, member: tar.Member, most: int | None) -> bytes:
    files.seek(member.offset)
    return files.read(member.size if most is None else min(member.size, most))


class _Hashing(io.RawIOBase):
    def __init__(self, source: io.RawIOBase) -> None:
        super().__init__()
        self._source = source
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def sha256(self) -> str:
        return self._hash.hexdigest()

    def readinto(self, buffer: Any) -> int:
        count = self._source.readinto(buffer)
        self._hash.update(memoryview(buffer)[:count])
        return count or 0
