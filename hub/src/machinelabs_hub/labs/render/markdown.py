"""Markdown as Jupyter writes it: CommonMark, tables, formulas, links to headings, attachments."""

import re
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Any, Final, cast

import mistune
from mistune.core import BlockState, InlineState
from mistune.renderers.html import HTMLRenderer

from machinelabs_hub.labs.render import code
from machinelabs_hub.labs.render.clean import Attachments, clean
from machinelabs_hub.labs.render.maths import Formulas

LONGEST: Final = 400_000
"""Longer markdown, in characters, is shown as it was written."""

_ENVIRONMENTS: Final = "equation|align|alignat|gather|multline|eqnarray|aligned|cases|[bpvV]?matrix"
_BLOCK_FORMULA: Final = (
    r"^ {0,3}(?:\$\$(?P<dollars>[^$]*?(?:\\.[^$]*?)*?)\$\$"
    r"|\\\\?\[(?P<brackets>[\s\S]{0,4000}?)\\\\?\]"
    rf"|(?P<environment>\\begin\{{(?P<kind>(?:{_ENVIRONMENTS})\*?)\}}[\s\S]{{0,4000}}?\\end\{{(?P=kind)\}}))"
    r"[ \t]*(?:\n|$)"
)
_INLINE_FORMULA: Final = (
    r"\$\$(?P<display>(?:[^$\\]|\\[\s\S]){1,4000}?)\$\$"
    r"|\$(?![\s$])(?P<inline>(?:[^$\\`]|\\[\s\S]){1,4000}?)(?<!\s)\$(?!\d)"
    r"|\\\\\((?P<parenthesis>[\s\S]{1,4000}?)\\\\\)"
)
_TAGS: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a text: its level (1-6), its words, its id on the page."""

    level: int
    text: str
    anchor: str


@dataclass(slots=True)
class Outline:
    """The headings of one document, in order, with ids that differ."""

    headings: list[Heading] = field(default_factory=list)
    _seen: dict[str, int] = field(default_factory=dict)

    def add(self, level: int, text: str) -> str:
        """Note a heading and return its id, as Jupyter makes it: words joined by hyphens."""
        anchor = re.sub(r"\s+", "-", text.strip())[:120] or "heading"
        times = self._seen.get(anchor, 0)
        self._seen[anchor] = times + 1
        if times:
            anchor = f"{anchor}-{times}"
        self.headings.append(Heading(level, text, anchor))
        return anchor


def render(
    text: str,
    *,
    folder: str = "",
    attachments: Attachments | None = None,
    outline: Outline | None = None,
) -> str:
    """Return markdown as clean HTML.

    Args:
        text: what the author wrote; HTML inside it is allowed and cleaned.
        folder: the folder of the file it stands in; links to neighbours start there.
        attachments: gives the images that are attached to the notebook cell.
        outline: gathers the headings.
    """
    if len(text) > LONGEST:
        return f"<pre>{escape(text, quote=False)}</pre>"
    formulas = Formulas()
    renderer = _Renderer(formulas, outline or Outline())
    try:
        html = cast("str", _parser(renderer)(text))
    except RecursionError:
        return f"<pre>{escape(text, quote=False)}</pre>"
    return formulas.restore(clean(html, folder=folder, attachments=attachments))


class _Renderer(HTMLRenderer):
    """Writes HTML that `clean` then judges: nothing is trusted here."""

    def __init__(self, formulas: Formulas, outline: Outline) -> None:
        super().__init__(escape=False, allow_harmful_protocols=True)
        self._formulas = formulas
        self._outline = outline

    def heading(self, text: str, level: int, **_attrs: Any) -> str:
        words = unescape(_TAGS.sub("", text)).strip()
        anchor = self._outline.add(level, words)
        return f'<h{level} id="{escape(anchor)}">{text}</h{level}>\n'

    def block_code(self, code_text: str, info: str | None = None) -> str:
        language = (info or "").split(None, 1)[0] if info and info.strip() else ""
        shown = code.highlight(code_text, language)
        return f'<pre class="highlight"><code>{shown}</code></pre>\n'

    def text(self, text: str) -> str:
        return escape(text, quote=False)

    def task_list_item(self, text: str, *, checked: bool = False) -> str:
        box = "\N{BALLOT BOX WITH CHECK}" if checked else "\N{BALLOT BOX}"
        return f"<li>{box} {text}</li>\n"

    def formula(self, text: str, *, block: bool) -> str:
        return self._formulas.keep(text, block=block)


def _parser(renderer: _Renderer) -> mistune.Markdown:
    return mistune.create_markdown(
        renderer=renderer,
        plugins=["table", "strikethrough", "task_lists", "url", _formula_plugin],
    )


def _formula_plugin(md: mistune.Markdown) -> None:
    md.block.register("ml_formula", _BLOCK_FORMULA, _parse_block, before="list")
    md.inline.register("ml_formula", _INLINE_FORMULA, _parse_inline, before="escape")
    for rules in (md.block.block_quote_rules, md.block.list_rules):
        md.block.insert_rule(rules, "ml_formula", before="list")
    if isinstance(md.renderer, _Renderer):
        md.renderer.register("ml_formula", _write)


def _parse_block(_block: Any, match: re.Match[str], state: BlockState) -> int:
    latex = match.group("dollars") or match.group("brackets") or match.group("environment") or ""
    state.append_token({"type": "ml_formula", "raw": latex, "attrs": {"block": True}})
    return match.end()


def _parse_inline(_inline: Any, match: re.Match[str], state: InlineState) -> int:
    display = match.group("display")
    latex = display or match.group("inline") or match.group("parenthesis") or ""
    token = {"type": "ml_formula", "raw": latex, "attrs": {"block": bool(display)}}
    state.append_token(token)
    return match.end()


def _write(renderer: _Renderer, text: str, *, block: bool) -> str:
    return renderer.formula(text, block=block)
