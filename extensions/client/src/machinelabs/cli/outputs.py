"""`ml outputs`: list what a run put out, or get it."""

import argparse
import hashlib
import os
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Final

from machinelabs.cli.orders import Orders, add_order
from machinelabs.cli.output import Bar, size, table
from machinelabs.cli.runs import add_run, read_run
from machinelabs.cli.session import Session
from machinelabs.errors import FolderFault, SiteFault
from machinelabs.paths import fault_of, shown
from machinelabs.runs import Run, RunOutput

_PIECE: Final = 1 << 18


def add(orders: Orders) -> None:
    """Add the order."""
    order = add_order(orders, "outputs", outputs, "list what a run put out, or get it")
    add_run(order)
    text = (
        "the folder to get all files into, with the executed notebook; without it they are listed"
    )
    order.add_argument("folder", nargs="?", metavar="DIR", type=Path, help=text)


def outputs(options: argparse.Namespace, session: Session) -> None:
    """List the files, or lay them into a folder; what stands there is never overwritten."""
    lab, number = read_run(options.which)
    run = session.hub.runs.get(lab, number)
    found = tuple(session.hub.runs.outputs(lab, number))
    rows = [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in found]
    body = {"run": run.full_name, "files": rows}
    if options.folder is None:
        lines = table([(one.path, size(one.size)) for one in found]) if found else [_nothing(run)]
        session.out.result(body, *lines)
        return
    root = options.folder.expanduser().absolute()
    _check(found)
    wanted = [one for one in found if not _is_there(root / one.path, one)]
    bar = session.out.progress("Getting")
    bar.on_total(sum(one.size for one in wanted))
    try:
        for one in wanted:
            _get(root / one.path, session.hub.runs.output(lab, number, one.path), one.sha256, bar)
        book = _notebook(session, run, root, {one.path for one in found}, bar)
    except OSError as error:
        raise FolderFault(f"“{shown(root.name)}” cannot be written: {error.strerror}.") from error
    finally:
        bar.clear()
    laid = [one.path for one in wanted] + ([book] if book else [])
    counted = f"{len(laid)} file{'' if len(laid) == 1 else 's'}"
    session.out.result(
        body | {"folder": str(root), "laid": laid},
        f"{counted} of {run.full_name} laid in {root}." if laid else _nothing(run, known=found),
    )


def _nothing(run: Run, known: tuple[RunOutput, ...] = ()) -> str:
    if known:
        return "All of it is there already."
    more = "" if run.is_final else " so far"
    return f"{run.full_name} put nothing out{more}. What code writes into outputs/ is kept."


def _check(found: tuple[RunOutput, ...]) -> None:
    for one in found:
        if fault := fault_of(one.path):
            raise SiteFault(f"A file of the run cannot be laid here: {fault}")


def _is_there(place: Path, one: RunOutput) -> bool:
    """Tell whether this very file is there; refuse if another one is."""
    if not place.exists():
        return False
    if place.is_file() and place.stat().st_size == one.size:
        with place.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == one.sha256:
                return True
    raise FolderFault(
        f"“{shown(one.path)}” is there already, and differs. Name a folder that is new or empty."
    )


def _notebook(session: Session, run: Run, root: Path, taken: set[str], bar: Bar) -> str:
    """Lay the executed notebook under its own name; return its path, or "" if it is not laid."""
    name = run.path.rpartition("/")[2]
    if not run.has_notebook or name in taken or (root / name).exists():
        return ""
    _get(root / name, session.hub.runs.notebook(run.lab, run.number), "", bar)
    return name


def _get(place: Path, answer: AbstractContextManager[BinaryIO], sha256: str, bar: Bar) -> None:
    """Write one file whole, or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".new-")
    draft = Path(name)
    digest = hashlib.sha256()
    try:
        with os.fdopen(handle, "wb") as file, answer as stream:
            counted = bar.reading(stream)
            while piece := counted.read(_PIECE):
                digest.update(piece)
                file.write(piece)
        if sha256 and digest.hexdigest() != sha256:
            raise SiteFault(f"“{shown(place.name)}” was cut short on the way. Try again.")
        draft.chmod(0o644)
        draft.rename(place)
    finally:
        draft.unlink(missing_ok=True)
