"""Notebooks as pages: cold against nbconvert, the first cells, a large one whole, one too large.

The same notebooks go through all, in turns. What nbconvert's exporter does in this process is its
best case: it is imported and has rendered before.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import nbformat
from nbconvert import HTMLExporter
from tests.benchmarks.figures import Figure, against, alone, median
from tests.support.content import cell, notebook, shows
from tests.support.labs_service import labs_server
from tests.support.peak import peak_kib

from machinelabs_hub.labs.render import files

MB: Final = 10**6
SIZES: Final = {"0.2 MB": MB // 5, "1.7 MB": 17 * MB // 10, "6 MB": 6 * MB}
LARGE: Final = 25 * MB
TOO_LARGE: Final = 100 << 20
COMMAND_ROUNDS: Final = 3

Say = Callable[[str], None]


def measure(*, rounds: int, say: Say) -> list[Figure]:
    """Measure in this process; only the command is a process of its own."""
    figures: list[Figure] = []
    exporter = HTMLExporter()
    exporter.from_notebook_node(nbformat.reads(book(MB // 10).decode(), as_version=4))
    whole(book(MB // 10))
    for name, size in SIZES.items():
        content = book(size)
        here: list[float] = []
        peer: list[float] = []
        first: list[float] = []
        for _ in range(rounds):
            here.append(timed(whole, content))
            first.append(timed(beginning, content))
            peer.append(timed(export, exporter, content))
        say(f"{name}: {median(here):.3f} s, exporter {median(peer):.3f} s")
        figures += [
            against(f"Cold page of {name}, against a warm exporter", here, peer, target=0.3),
            alone(f"First cells of {name}", first, target=0.1),
        ]
    figures.append(_against_command(say))
    large = book(LARGE)
    turns = range(max(3, rounds // 2))
    figures += [
        alone("First cells of 25 MB", [timed(beginning, large) for _ in turns], target=0.3),
        alone("25 MB whole", [timed(whole, large) for _ in turns], target=1.5),
    ]
    return figures + _refusal(rounds)


def _refusal(rounds: int) -> list[Figure]:
    """Ask a service for the page of a lab whose notebook is too large to be shown."""
    content = notebook([cell("code", "plot()", "a", [shows(image__png="A" * TOO_LARGE)])])
    seconds, mib = [], []
    with (
        tempfile.TemporaryDirectory(prefix="bench-render-") as folder,
        labs_server(Path(folder) / "data", notebook_mib=200) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as reader,
    ):
        lab = server.publish("ada", {"main.ipynb": content}, title="Large")
        address = f"/{lab.owner}/{lab.name}/files/main.ipynb"
        reader.get(address).raise_for_status()
        for _ in range(rounds):
            with peak_kib() as more:
                seconds.append(timed(reader.get, address))
            mib.append(more.kib / 1024)
    return [
        alone("Page of 100 MB, which says that it is too large", seconds, target=0.1),
        alone("Most memory for it", mib, unit="MiB", of=max, target=16),
    ]


def _against_command(say: Say) -> Figure:
    content = book(SIZES["1.7 MB"])
    with tempfile.TemporaryDirectory(prefix="bench-render-") as folder:
        path = Path(folder) / "book.ipynb"
        path.write_bytes(content)
        here = [timed(whole, content) for _ in range(COMMAND_ROUNDS)]
        peer = [timed(convert, path) for _ in range(COMMAND_ROUNDS)]
    say(f"the command: {median(peer):.2f} s")
    return against("Cold page of 1.7 MB, against the nbconvert command", here, peer, target=0.1)


def timed(work: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def whole(content: bytes) -> None:
    """Render all as it is sent to a browser."""
    for piece in files.show("book.ipynb", content):
        piece.encode()


def beginning(content: bytes) -> None:
    """Render up to the first cells that leave for the browser."""
    pieces = files.show("book.ipynb", content)
    for _ in range(3):
        next(pieces)
    pieces.close()  # type: ignore[attr-defined]


def export(exporter: Any, content: bytes) -> None:
    exporter.from_notebook_node(nbformat.reads(content.decode(), as_version=4))


def convert(path: Path) -> None:
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(path)]
    subprocess.run(command, check=True, capture_output=True)


def book(size: int) -> bytes:
    """Return a notebook of about `size` bytes: prose, code, text, tables and images."""
    dice = random.Random(size)  # noqa: S311 - the same notebook each time
    cells: list[dict[str, Any]] = []
    held = 0
    while held < size:
        cells.append(_CELLS[len(cells) % len(_CELLS)](dice, len(cells)))
        held += len(json.dumps(cells[-1]))
    about = {"language_info": {"name": "python"}}
    tree = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(tree).encode()


def _prose(dice: random.Random, number: int) -> dict[str, Any]:
    words = " ".join(dice.choices(("loss", "*falls*", "and `then`", "**rises**", "slowly"), k=60))
    text = f"## Part {number}\n\n{words}\n\n- one\n- two\n\nWhere $x^{{{number}}}$ ends."
    return {"cell_type": "markdown", "id": f"c{number}", "metadata": {}, "source": text}


def _code(number: int, source: str, output: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"c{number}",
        "metadata": {},
        "execution_count": number,
        "source": source,
        "outputs": [output],
    }


def _prints(dice: random.Random, number: int) -> dict[str, Any]:
    lines = [f"epoch {i:04d} \x1b[32mloss\x1b[0m {dice.random():.9f}\n" for i in range(300)]
    source = "\n".join(f"value_{i} = model(x[{i}], rate={dice.random():.3f})" for i in range(20))
    return _code(number, source, {"output_type": "stream", "name": "stdout", "text": lines})


def _table(dice: random.Random, number: int) -> dict[str, Any]:
    rows = "".join(
        f"<tr><th>{i}</th>" + "".join(f"<td>{dice.random():.6f}</td>" for _ in range(8)) + "</tr>"
        for i in range(60)
    )
    html = f'<table border="1" class="dataframe"><tbody>{rows}</tbody></table>'
    data = {"text/html": html, "text/plain": "60 rows"}
    return _code(number, "frame", {"output_type": "display_data", "metadata": {}, "data": data})


def _image(dice: random.Random, number: int) -> dict[str, Any]:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    packed = "".join(dice.choices(letters, k=60_000))
    data = {"image/png": packed, "text/plain": "<Figure>"}
    return _code(number, "plot()", {"output_type": "display_data", "metadata": {}, "data": data})


_CELLS: Final = (_prose, _prints, _table, _prints, _image)
