"""What a published notebook shows is what nbconvert shows, cell by cell and output by output.

The notebooks are those that come with the installed packages, and generated ones of each kind.
What differs on purpose is listed in `differs_on_purpose`, and nowhere else.
"""

import base64
import json
import random
import re
import sysconfig
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook
from tests.support.content import FRAME, TRACEBACK, loss_plot, png

from machinelabs_hub.labs.render import notebook

PACKAGES = Path(sysconfig.get_path("purelib"))
GENERATED = 60
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL)
INTERACTIVE = {"application/vnd.jupyter.widget-view+json", "application/javascript"}
DATA = "application/json"  # shown as text here, left out there


def installed() -> list[Path]:
    """Return the notebooks that the installed packages bring."""
    return sorted(PACKAGES.rglob("*.ipynb"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader sees of one output or one text: words, images by content, table cells."""

    words: tuple[str, ...]
    images: tuple[str, ...]
    cells: tuple[str, ...]


def seen(part: Tag) -> Seen:
    for hidden in part.select("script, style, .prompt, .anchor-link, math, .ml-formula-source"):
        hidden.decompose()
    images = [str(image.get("src", "")) for image in part.select("img")]
    images = ["".join(src.split()) for src in images if src.startswith("data:")]
    for svg in part.select("svg"):
        images.append("an svg")
        svg.decompose()
    cells = [" ".join(cell.get_text().split()) for cell in part.select("td, th")]
    text = FORMULA.sub(" ", part.get_text(" "))
    drawn = ("an svg" if "svg+xml" in src else src for src in images)
    return Seen(
        tuple(re.findall(r"\w+", text)), tuple(drawn), tuple(cell for cell in cells if cell)
    )


def ours(content: bytes) -> list[tuple[str, list[Seen]]]:
    """Return each cell's kind and what is seen of it: the text, or the outputs."""
    page = BeautifulSoup("".join(notebook.show(content)), "html.parser")
    found = []
    for cell in page.select(".ml-cell"):
        if "is-text" in (cell.get("class") or []):
            found.append(("markdown", [seen(part) for part in cell.select(".ml-content")]))
        elif "is-code" in (cell.get("class") or []):
            found.append(("code", [seen(part) for part in cell.select(".ml-output")]))
    return found


def theirs(book: Any) -> list[tuple[str, list[Seen]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        html, _ = exporter().from_notebook_node(book)
    page = BeautifulSoup(html, "html.parser")
    found = []
    for cell in page.select("div.cell"):
        kinds: Any = cell.get("class") or []
        if "text_cell" in kinds:
            found.append(("markdown", [seen(part) for part in cell.select(".text_cell_render")]))
        elif "code_cell" in kinds:
            found.append(("code", [seen(part) for part in cell.select(".output_area")]))
    return found


@cache
def exporter() -> Any:
    # Pieces of one stream come as one here, as in JupyterLab.
    joined = "nbconvert.preprocessors.CoalesceStreamsPreprocessor"
    return HTMLExporter(template_name="classic", embed_images=False, preprocessors=[joined])


def differs_on_purpose(output: dict[str, Any]) -> bool:
    """Tell what a page without programs shows in words, where nbconvert writes a program."""
    data = output.get("data", {})
    return bool(set(data) & {*INTERACTIVE, DATA})


def compare(content: bytes) -> int:
    """Compare a notebook and return how many texts and outputs were the same."""
    book = nbformat.reads(content.decode(), as_version=4)
    shown, expected = ours(content), theirs(book)
    cells = [cell for cell in book.cells if cell.cell_type in {"markdown", "code"}]
    assert len(shown) == len(cells)
    reference = dict(_numbered(cells, expected))
    count = 0
    for number, (cell, (kind, parts)) in enumerate(zip(cells, shown, strict=True)):
        assert kind == cell.cell_type
        if any(differs_on_purpose(output) for output in cell.get("outputs", ())):
            assert parts, cell
            continue
        wanted = [part for part in reference.get(number, []) if part != Seen((), (), ())]
        assert [part for part in parts if part != Seen((), (), ())] == wanted, cell
        count += max(1, len(wanted))
    return count


def _numbered(
    cells: list[Any], expected: list[tuple[str, list[Seen]]]
) -> list[tuple[int, list[Seen]]]:
    # nbconvert leaves out code cells without anything in them.
    kept = [
        number
        for number, cell in enumerate(cells)
        if cell.cell_type == "markdown" or cell.source.strip() or cell.outputs
    ]
    if len(kept) != len(expected):
        kept = list(range(len(cells)))
    return [(number, parts) for number, (_, parts) in zip(kept, expected, strict=True)]


@pytest.mark.parametrize("path", installed(), ids=lambda path: path.name)
def test_an_installed_notebook_shows_what_nbconvert_shows(path: Path) -> None:
    content = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nbformat.reads(content.decode(), as_version=4)
    except (nbformat.validator.NotebookValidationError, nbformat.reader.NotJSONError):
        pytest.skip("nbconvert cannot read it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compare(content)
        except InvalidNotebook:
            pytest.skip("nbconvert refuses it")


def test_there_are_a_hundred_notebooks() -> None:
    assert len(installed()) + GENERATED >= 100


@pytest.mark.parametrize("seed", range(GENERATED))
def test_a_generated_notebook_shows_what_nbconvert_shows(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same notebooks each time
    cells = [dice.choice(CELLS)(dice, number) for number in range(dice.randint(3, 9))]
    about = {"language_info": {"name": "python"}}
    tree = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    assert compare(json.dumps(tree).encode()) >= len(cells) - sum(_is_interactive(c) for c in cells)


def _is_interactive(cell: dict[str, Any]) -> bool:
    return any(differs_on_purpose(output) for output in cell.get("outputs", ()))


def _code(number: int, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {},
        "execution_count": number,
        "source": f"step({number})",
        "outputs": list(outputs),
    }


def _text(number: int, source: str, **more: Any) -> dict[str, Any]:
    head = {"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": source}
    return head | more


def _display(**data: Any) -> dict[str, Any]:
    named = {name.replace("__", "/").replace("svg_", "svg+"): data[name] for name in data}
    return {"output_type": "display_data", "metadata": {}, "data": named}


def _stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def _dot(dice: random.Random) -> str:
    shade = dice.randrange(256)
    return base64.b64encode(png(4, 4, lambda x, y: (shade, x * 60, y * 60))).decode()


def _words(dice: random.Random, count: int = 6) -> str:
    some = ["loss", "naïve", "größe", "epoch", "<b>", "x & y", "3.14", "数据", '"quoted"', "a_b"]
    return " ".join(dice.choices(some, k=count))


CELLS: list[Any] = [
    lambda dice, n: _code(n, _stream(f"{_words(dice)}\n{_words(dice)}\n")),
    lambda dice, n: _code(n, _stream(f"\x1b[1;3{dice.randrange(8)}m{_words(dice)}\x1b[0m done\n")),
    lambda dice, n: _code(n, _stream(_words(dice)), _stream(_words(dice), "stderr")),
    lambda dice, n: _code(n, _display(text__html=FRAME, text__plain=_words(dice))),
    lambda dice, n: _code(n, _display(image__png=_dot(dice), text__plain="<Figure>")),
    lambda _dice, n: _code(n, _display(image__svg_xml=loss_plot(), text__plain="<Figure>")),
    lambda dice, n: _code(
        n, _display(text__latex="$\\displaystyle x^{2}$", text__plain=_words(dice))
    ),
    lambda dice, n: _code(n, _display(text__markdown=f"**bold** and *{dice.randrange(99)}*")),
    lambda dice, n: _code(n, _display(text__plain=_words(dice, 20))),
    lambda _dice, n: _code(
        n, {"output_type": "error", "ename": "E", "evalue": "v", "traceback": TRACEBACK}
    ),
    lambda _dice, n: _code(
        n,
        _display(
            **{
                "application__vnd.jupyter.widget-view+json": {"model_id": "1"},
                "text__plain": "IntSlider(value=0)",
            }
        ),
    ),
    lambda dice, n: _code(n, _display(text__html=f"<p>{dice.randrange(99)} <i>of</i> 99</p>")),
    lambda dice, n: _code(
        n, *(_stream(f"{i} ", dice.choice(("stdout", "stderr"))) for i in range(4))
    ),
    lambda _dice, n: _code(n),
    lambda dice, n: _text(n, f"# Title {n}\n\n{_words(dice).replace('<b>', '')} and `code`"),
    lambda _dice, n: _text(n, "| a | b |\n|---|--:|\n| one | *two* |\n| x | 3 |"),
    lambda _dice, n: _text(n, "Inline $e^{i\\pi} = -1$ and\n\n$$\\int_0^1 x\\,dx$$\n\nthe end."),
    lambda _dice, n: _text(n, "\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}"),
    lambda dice, n: _text(
        n,
        "![shown](attachment:dot.png) beside words",
        attachments={"dot.png": {"image/png": _dot(dice)}},
    ),
    lambda _dice, n: _text(
        n, "1. one\n2. two\n   - deep\n\n> quoted\n\n```python\nx = {1: 2}\n```"
    ),
]
