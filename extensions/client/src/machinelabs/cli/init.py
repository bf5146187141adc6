"""`ml init`: the first files of a lab, blank or from a template of the site."""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from machinelabs.checkout import REPLACED
from machinelabs.cli.orders import Orders, add_order
from machinelabs.cli.session import Session
from machinelabs.errors import FolderFault
from machinelabs.paths import STATE_FOLDER, shown
from machinelabs.tar import unpack

CONFIG: Final = """\
# What this lab is run with. All keys are optional.
# image: datascience       # one of the site's images
# flavour: cpu-small       # one of the site's sizes
entrypoint: main.ipynb
"""
NOTEBOOK: Final[dict[str, Any]] = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "first",
            "metadata": {},
            "outputs": [],
            "source": "",
        }
    ],
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}


def add(orders: Orders) -> None:
    """Add the order."""
    order = add_order(orders, "init", init, "write the first files of a lab into this folder")
    order.add_argument("--template", metavar="NAME", help="begin with a template of the site")
    order.add_argument(
        "-f",
        "--force",
        action="store_true",
        help="replace files that are there; they are kept aside",
    )
    order.add_argument("folder", nargs="?", metavar="DIR", type=Path, default=Path(), help="where")


def init(options: argparse.Namespace, session: Session) -> None:
    """Write the files; one that is there is replaced only if asked for, and kept."""
    root: Path = options.folder.expanduser().absolute()
    try:
        with _prepared(options, session) as prepared:
            paths = sorted(
                file.relative_to(prepared).as_posix()
                for file in prepared.rglob("*")
                if file.is_file()
            )
            there = [path for path in paths if (root / path).exists()]
            if there and not options.force:
                raise FolderFault(
                    f"“{shown(there[0])}” is here already. Replace it with --force, which keeps "
                    f"what was there in {STATE_FOLDER}/{REPLACED}, or begin in a new folder."
                )
            _set_aside(root, there)
            for path in paths:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(prepared / path, root / path)
    except OSError as error:
        raise FolderFault(f"“{shown(root.name)}” cannot be written: {error.strerror}.") from error
    session.out.result(
        {"folder": str(root), "files": paths, "replaced": there},
        f"Wrote {', '.join(paths)}. Publish with: ml push",
    )


@contextmanager
def _prepared(options: argparse.Namespace, session: Session) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ml-init-") as name:
        folder = Path(name)
        if options.template is None:
            (folder / "ml.yaml").write_text(CONFIG, encoding="utf-8")
            text = json.dumps(NOTEBOOK, indent=1) + "\n"
            (folder / "main.ipynb").write_text(text, encoding="utf-8")
        else:
            with session.hub.templates.archive(options.template) as archive:
                unpack(archive, folder)
        yield folder


def _set_aside(root: Path, paths: list[str]) -> None:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for path in paths:
        if not (root / path).is_file():
            raise FolderFault(f"“{shown(path)}” is a folder here. Move it away first.")
    for path in paths:
        kept = root / STATE_FOLDER / REPLACED / now / path
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, kept)
