"""`ml dataset`: send a folder as a version of a dataset, get one, list what there is."""

import argparse
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from machinelabs.cli.laying import check_paths, is_there, lay
from machinelabs.cli.orders import Orders, add_order
from machinelabs.cli.output import size, table
from machinelabs.cli.session import Session
from machinelabs.datasets import Dataset, DatasetFile, Datasets, Upload, digest_of, split
from machinelabs.errors import BadInput, FolderFault, NotAllowed, NotFound
from machinelabs.paths import fault_of, shown

_STATE: Final = Path(".machinelabs") / "dataset-upload.json"
_VERSION: Final = re.compile(r"@v([1-9][0-9]{0,8})$")
_VISIBILITIES: Final = ("public", "unlisted", "signed-in", "private")


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the folder that is sent."""

    file: DatasetFile
    source: Path


def add(orders: Orders) -> None:
    """Add the orders below `ml dataset`."""
    what = "send, get and list datasets"
    top = orders.add_parser("dataset", help=what, description="Send, get and list datasets.")
    below = top.add_subparsers(metavar="ORDER", required=True)
    order = add_order(below, "push", push, "send a folder as the next version of a dataset")
    order.add_argument("folder", metavar="FOLDER", type=Path, help="all of its files are sent")
    order.add_argument("dataset", metavar="OWNER/NAME", help="made if it is not there yet")
    order.add_argument("-m", "--message", default="", help="what is new in this version")
    order.add_argument("--title", default="", help="of a dataset that is made")
    order.add_argument("--licence", default="", metavar="SPDX", help="of a dataset that is made")
    order.add_argument(
        "--visibility", default="", choices=_VISIBILITIES, help="of one that is made"
    )
    order = add_order(below, "pull", pull, "get the files of a dataset")
    text = "the dataset; without a version the newest"
    order.add_argument("dataset", metavar="OWNER/NAME[@vN]", help=text)
    text = "the folder to lay them into (default: the dataset's name)"
    order.add_argument("folder", nargs="?", metavar="DIR", type=Path, help=text)
    order = add_order(below, "list", list_all, "list datasets, the last changed first")
    order.add_argument("words", nargs="*", metavar="WORD", help="only those with all these words")
    order.add_argument("--owner", default="", help="only those of a person or @GROUP")


def push(options: argparse.Namespace, session: Session) -> None:
    """Send what the site does not have; what was cut off is gone on with the next time."""
    datasets, name = session.hub.datasets, options.dataset
    split(name)
    root = options.folder.expanduser().absolute()
    session.out.note(f"Reading {root} …")
    found = _scanned(root)
    is_new = _ensure(datasets, options)
    files = [one.file for one in found]
    upload = _going_on(datasets, root, name, files) or datasets.begin(name, files, options.message)
    _remember(root, name, files, upload)
    sources = {one.file.sha256: one for one in found}
    bar = session.out.progress("Sending")
    bar.on_total(sum(sources[sha256].file.size for sha256 in upload.missing))
    try:
        for sha256 in upload.missing:
            datasets.send(name, upload, sha256, sources[sha256].source, bar.on_bytes)
    except OSError as error:
        raise FolderFault(
            f"A file of “{shown(root.name)}” cannot be read: {error.strerror}."
        ) from (error)
    finally:
        bar.clear()
    made = datasets.finish(name, upload)
    (root / _STATE).unlink(missing_ok=True)
    called = f"{name}@v{made.number}"
    body = {
        "dataset": name,
        "version": made.number,
        "is_new": is_new,
        "files": made.files_count,
        "bytes": made.size_bytes,
        "sent": len(upload.missing),
    }
    sent = sum(sources[sha256].file.size for sha256 in upload.missing)
    session.out.result(
        body,
        f"{called}: {made.files_count} files, {size(made.size_bytes)}; {size(sent)} were sent.",
    )


def pull(options: argparse.Namespace, session: Session) -> None:
    """Lay all files of a version into a folder; what stands there is never overwritten."""
    datasets = session.hub.datasets
    name, number = _read(options.dataset)
    version = datasets.version(name, number)
    found = tuple(datasets.files(name, version.number))
    check_paths(found)
    root = (options.folder or Path(split(name)[1])).expanduser().absolute()
    wanted = [one for one in found if not is_there(root / one.path, one)]
    bar = session.out.progress("Getting")
    bar.on_total(sum(one.size for one in wanted))
    try:
        for one in wanted:
            answer = datasets.read(name, version.number, one.path)
            lay(root / one.path, answer, one.sha256, bar)
    except OSError as error:
        raise FolderFault(
            f"“{shown(root.name)}” cannot be written: {error.strerror}. Mend that, then repeat the "
            "command: what is here already is not asked for again."
        ) from error
    finally:
        bar.clear()
    called = f"{name}@v{version.number}"
    body = {"dataset": name, "version": version.number, "folder": str(root), "laid": len(wanted)}
    line = f"{len(wanted)} of {len(found)} files of {called} laid in {root}."
    session.out.result(body, line if wanted else f"All of {called} is in {root} already.")


def list_all(options: argparse.Namespace, session: Session) -> None:
    """List what there is."""
    found = session.hub.datasets.list(query=" ".join(options.words), owner=options.owner)
    rows = [_row(one) for one in found]
    lines = table(rows) if rows else ["There is no such dataset, or none that you may see."]
    body = [
        {
            "dataset": one.full_name,
            "title": one.title,
            "version": one.version,
            "files": one.files_count,
            "bytes": one.size_bytes,
            "licence": one.licence,
            "visibility": one.visibility,
        }
        for one in found
    ]
    session.out.result({"items": body}, *lines)


def _row(one: Dataset) -> tuple[str, ...]:
    version = f"@v{one.version}" if one.version else ""
    files = f"{one.files_count} files"
    return f"{one.full_name}{version}", files, size(one.size_bytes), one.licence, one.title


def _ensure(datasets: Datasets, options: argparse.Namespace) -> bool:
    """Make the dataset if it is not there; tell whether it was made."""
    try:
        datasets.get(options.dataset)
    except NotFound:
        details = {name: getattr(options, name) for name in ("title", "licence", "visibility")}
        datasets.make(options.dataset, **details)
        return True
    return False


def _scanned(root: Path) -> list[Found]:
    """Return the files of a folder; hidden ones stay, and links are no files.

    Raises:
        FolderFault: it is no folder, has none, or one that cannot be sent.
    """
    if not root.is_dir():
        raise FolderFault(f"“{shown(str(root))}” is no folder.")
    found = []
    try:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                source = Path(folder) / name
                if name.startswith(".") or source.is_symlink() or not source.is_file():
                    continue
                path = source.relative_to(root).as_posix()
                if fault := fault_of(path):
                    raise FolderFault(f"“{shown(path)}” cannot be sent: {fault}")
                found.append(Found(DatasetFile(path, *digest_of(source)), source))
    except OSError as error:
        raise FolderFault(f"“{shown(root.name)}” cannot be read: {error.strerror}.") from error
    if not found:
        raise FolderFault(f"There is no file in “{shown(root.name)}”. Hidden ones are not sent.")
    return found


def _going_on(datasets: Datasets, root: Path, name: str, files: list[DatasetFile]) -> Upload | None:
    """Return the upload of these very files that was cut off; None: there is none.

    One of other files is given up: it would count against the plan for days, and nobody could go
    on with it.
    """
    try:
        kept = json.loads((root / _STATE).read_text(encoding="utf-8"))
        of, upload = str(kept["dataset"]), str(kept["upload"])
        if (of, kept["files"]) == (name, _digest(files)):
            return datasets.upload(name, upload)
        datasets.give_up(of, upload)
    except (OSError, ValueError, KeyError, TypeError, NotFound, NotAllowed, BadInput):
        pass
    return None


def _remember(root: Path, name: str, files: list[DatasetFile], upload: Upload) -> None:
    """Write down where to go on; a folder that cannot be written begins anew the next time."""
    said = {"dataset": name, "files": _digest(files), "upload": upload.id}
    try:
        (root / _STATE).parent.mkdir(exist_ok=True)
        (root / _STATE).write_text(json.dumps(said), encoding="utf-8")
    except OSError:
        return


def _digest(files: list[DatasetFile]) -> str:
    text = json.dumps([[one.path, one.sha256] for one in files])
    return hashlib.sha256(text.encode()).hexdigest()


def _read(text: str) -> tuple[str, int | None]:
    found = _VERSION.search(text)
    name = text[: found.start()] if found else text
    if "@" in name[1:]:
        raise BadInput(f"“{shown(text)}” is not a dataset. Write OWNER/NAME, or OWNER/NAME@v3.")
    split(name)
    return name, int(found[1]) if found else None
