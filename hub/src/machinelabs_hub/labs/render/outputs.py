"""What a cell printed or drew, in the richest form that is safe: nothing in it runs."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from machinelabs_hub.labs.render import ansi, code, markdown
from machinelabs_hub.labs.render.clean import clean, shows_something
from machinelabs_hub.labs.render.maths import mathml

IMAGES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
SVG: Final = "image/svg+xml"

_BASE64: Final = re.compile(r"[A-Za-z0-9+/=\s]+")
_LEANS_ON_ITS_STYLE: Final = re.compile(r"<style\b[\s\S]*<(?:input|label|details)\b", re.IGNORECASE)
_LONGEST_SIDE: Final = 20_000

NEEDS_PROGRAM: Final = (
    "This output is interactive. Open the lab to run it; a published page runs no programs."
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One output as HTML. `kind` is its class on the page: text, error, image, html or note."""

    kind: str
    html: str


def text_of(value: Any) -> str:
    """Return a notebook's text: a string, or a list of its lines; anything else is empty."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:
        # JSON can hold halves of a character; UTF-8 cannot.
        return value.encode("utf-8", "replace").decode()
    return value


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return `value` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def show_all(outputs: Any, *, folder: str, cell: int) -> Iterator[Shown]:
    """Yield a cell's outputs; pieces of one stream come as one."""
    stream: str | None = None
    pieces: list[str] = []
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        name = output.get("name") if output.get("output_type") == "stream" else None
        if pieces and name != stream:
            yield _stream(stream, pieces)
            pieces = []
        if isinstance(name, str):
            stream = name
            pieces.append(text_of(output.get("text")))
            continue
        stream = None
        yield show(output, folder=folder, cell=cell)
    if pieces:
        yield _stream(stream, pieces)


def show(output: Mapping[str, Any], *, folder: str, cell: int) -> Shown:
    """Return one output that is not a stream.

    Args:
        output: as the notebook holds it, valid or not.
        folder: the folder of the notebook; links to neighbours start there.
        cell: the number of the cell, for the words that stand for an image.
    """
    if output.get("output_type") == "error":
        return _error(output)
    data = mapping_of(output.get("data"))
    details = mapping_of(output.get("metadata"))
    for form in (_html, _markdown, _svg, _latex, _image, _text, _json):
        shown = form(_Bundle(data, details, folder, cell))
        if shown is not None:
            return shown
    return Shown("note", escape(NEEDS_PROGRAM)) if data else Shown("note", "")


@dataclass(frozen=True, slots=True)
class _Bundle:
    data: Mapping[str, Any]
    details: Mapping[str, Any]
    folder: str
    cell: int


def _stream(name: str | None, pieces: list[str]) -> Shown:
    kind = "text is-stderr" if name == "stderr" else "text"
    return Shown(kind, f"<pre>{ansi.to_html(''.join(pieces))}</pre>")


def _error(output: Mapping[str, Any]) -> Shown:
    traceback = output.get("traceback")
    lines = (
        [line for line in traceback if isinstance(line, str)]
        if (isinstance(traceback, list))
        else []
    )
    text = "\n".join(lines) or f"{text_of(output.get('ename'))}: {text_of(output.get('evalue'))}"
    return Shown("error", f"<pre>{ansi.to_html(text)}</pre>")


def _html(bundle: _Bundle) -> Shown | None:
    html = text_of(bundle.data.get("text/html"))
    if not html:
        return None
    if "text/plain" in bundle.data and _LEANS_ON_ITS_STYLE.search(html):
        # Such a page-in-the-page (scikit-learn's estimators) is a heap of words without its style.
        return None
    cleaned = clean(html, folder=bundle.folder)
    return Shown("html", cleaned) if shows_something(cleaned) else None


def _markdown(bundle: _Bundle) -> Shown | None:
    text = text_of(bundle.data.get("text/markdown"))
    return Shown("html", markdown.render(text, folder=bundle.folder)) if text else None


def _svg(bundle: _Bundle) -> Shown | None:
    svg = text_of(bundle.data.get(SVG))
    if not svg.strip():
        return None
    # As an image it can run nothing and load nothing; the browser sees to that.
    packed = base64.b64encode(svg.encode("utf-8", "replace")).decode()
    return _as_image(SVG, packed, bundle)


def _latex(bundle: _Bundle) -> Shown | None:
    latex = text_of(bundle.data.get("text/latex")).strip()
    if not latex:
        return None
    bare = latex.strip("$").strip()
    if "$" not in bare and latex.startswith(("$", "\\begin{")):
        return Shown("html", mathml(bare, latex.startswith(("$$", "\\begin{", "$\\displaystyle"))))
    if "text/plain" in bundle.data and "$" not in latex:
        return None
    return Shown("html", markdown.render(latex, folder=bundle.folder))


def _image(bundle: _Bundle) -> Shown | None:
    for mime in IMAGES:
        packed = text_of(bundle.data.get(mime))
        if packed and _BASE64.fullmatch(packed):
            return _as_image(mime, "".join(packed.split()), bundle)
    return None


def _as_image(mime: str, packed: str, bundle: _Bundle) -> Shown:
    sizes = bundle.details.get(mime)
    sizes = sizes if isinstance(sizes, dict) else bundle.details
    size = "".join(
        f' {side}="{int(value)}"'
        for side in ("width", "height")
        if isinstance(value := sizes.get(side), int | float)
        and not isinstance(value, bool)
        and 0 < value < _LONGEST_SIDE
    )
    words = f"Output of cell {bundle.cell}"
    return Shown("image", f'<img src="data:{mime};base64,{packed}" alt="{words}"{size}>')


def _text(bundle: _Bundle) -> Shown | None:
    text = text_of(bundle.data.get("text/plain"))
    return Shown("text", f"<pre>{ansi.to_html(text)}</pre>") if text else None


def _json(bundle: _Bundle) -> Shown | None:
    if "application/json" not in bundle.data:
        return None
    try:
        text = json.dumps(bundle.data["application/json"], indent=2, ensure_ascii=False)
    except RecursionError:
        return None
    return Shown("text", f"<pre>{code.highlight(text, 'json')}</pre>")
