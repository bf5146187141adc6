"""`ml outputs`: list what a run put out, or get it."""

import argparse
from pathlib import Path

from machinelabs.cli.laying import check_paths, is_there, lay
from machinelabs.cli.orders import Orders, add_order
from machinelabs.cli.output import Bar, size, table
from machinelabs.cli.runs import add_run, read_run
from machinelabs.cli.session import Session
from machinelabs.errors import FolderFault
from machinelabs.paths import shown
from machinelabs.runs import Run, RunOutput


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
    check_paths(found)
    wanted = [one for one in found if not is_there(root / one.path, one)]
    bar = session.out.progress("Getting")
    bar.on_total(sum(one.size for one in wanted))
    try:
        for one in wanted:
            lay(root / one.path, session.hub.runs.output(lab, number, one.path), one.sha256, bar)
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


def _notebook(session: Session, run: Run, root: Path, taken: set[str], bar: Bar) -> str:
    """Lay the executed notebook under its own name; return its path, or "" if it is not laid."""
    name = run.path.rpartition("/")[2]
    if not run.has_notebook or name in taken or (root / name).exists():
        return ""
    lay(root / name, session.hub.runs.notebook(run.lab, run.number), "", bar)
    return name
