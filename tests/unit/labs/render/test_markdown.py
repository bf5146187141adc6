"""Markdown, formulas and headings."""

import time

import pytest

from machinelabs_hub.labs.render import markdown
from machinelabs_hub.labs.render.maths import mathml


def test_tables_code_and_tasks_are_shown() -> None:
    html = markdown.render(
        "| a | b |\n|---|--:|\n| 1 | 2 |\n\n```python\nx = 1\n```\n\n- [x] done\n"
    )
    assert '<th style="text-align:right">b</th>' in html
    assert 'x <span class="o">=</span>' in html
    assert "☑ done" in html


@pytest.mark.parametrize(
    "text",
    ["$x^2$", "$$x^2$$", "a $x^2$ b", "\n$$\nx^2\n$$\n", r"\\(x^2\\)",
     "\\begin{align}\nx^2 &= 1\\\\\ny &= 2\n\\end{align}", "> $$x^2$$", "- $x^2$"],
)  # fmt: skip
def test_formulas_become_mathml(text: str) -> None:
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in markdown.render(text)


@pytest.mark.parametrize("text", ["costs $5 and $6", "`$x$`", "    $x$", r"\$x\$", "```\n$x$\n```"])
def test_money_and_code_are_no_formulas(text: str) -> None:
    assert "<math" not in markdown.render(text)


def test_a_formula_inside_an_image_text_stays_out_of_the_attribute() -> None:
    html = markdown.render('![a $x$ "b](data:image/png;base64,AA==)')
    assert "<math" not in html
    assert html.count("<img") == 1


def test_nobody_can_write_the_mark_of_a_formula() -> None:
    html = markdown.render('$x$ <data value="0"></data> <data value="guess-0"></data>')
    assert html.count("<math") == 1


@pytest.mark.parametrize(
    "latex",
    [r"\frac{", "{" * 5000, r"\text{<script>alert(1)</script>}", "x" * 9000, r"\left("],
)
def test_what_is_no_formula_is_shown_as_written(latex: str) -> None:
    html = mathml(latex, block=True)
    assert "<script" not in html
    assert "ml-formula" in html


def test_a_formula_cannot_carry_an_address() -> None:
    html = mathml(r"\href{javascript:alert(1)}{x}", block=False)
    assert "href" not in html
    assert "javascript" not in html


def test_headings_get_ids_as_jupyter_makes_them_and_differ() -> None:
    outline = markdown.Outline()
    html = markdown.render("# Two words\n\n## Two words\n\n[up](#Two-words)", outline=outline)
    assert [h.anchor for h in outline.headings] == ["Two-words", "Two-words-1"]
    assert 'id="u-Two-words-1"' in html
    assert 'href="#u-Two-words"' in html


@pytest.mark.parametrize(
    "text",
    ["[" * 20_000, "![" * 20_000, "*a " * 20_000, ">" * 5_000, "- " * 3_000, "<a " * 20_000,
     "$a " * 20_000, "**a" * 20_000, "\\[ a\n" * 10_000, "$$ a\n" * 10_000, "<div>" * 20_000,
     "\\begin{align}\n" * 5_000, "`" * 20_000, "x" * 1_000_000],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
def test_text_made_to_be_slow_is_not(text: str) -> None:
    begun = time.process_time()
    markdown.render(text)
    assert time.process_time() - begun < 5
