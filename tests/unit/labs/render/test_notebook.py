"""Notebooks cell by cell, with nbconvert as the reference for what must be there."""

import base64
import json
import random
import re
import time
from html import unescape
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)

from machinelabs_hub.labs.render import notebook

DOT = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
).decode()


def shown(cells: list[Any], **details: Any) -> str:
    tree = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **details}
    return "".join(notebook.show(json.dumps(tree).encode()))


def code(outputs: Any, source: str = "1") -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": outputs, "metadata": {}}


def display(**data: Any) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "data": {name.replace("__", "/"): value for name, value in data.items()},
        "metadata": {},
    }


def words(html: str) -> list[str]:
    html = re.sub(r"<(script|style|head|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    html = re.sub(r"(?s)<math.*?</math>", " ", html)
    return re.findall(r"\w+", unescape(re.sub(r"<[^>]+>", " ", html)))


def a_notebook() -> Any:
    return new_notebook(
        cells=[
            new_markdown_cell("# Title\n\nSome *text* with `code`, a [link](https://x.example)."),
            new_code_cell(
                "import math\nprint(math.pi)",
                execution_count=3,
                outputs=[
                    new_output("stream", name="stdout", text="3.14159\n\x1b[32mgreen\x1b[0m\n"),
                    new_output("stream", name="stderr", text="careful\n"),
                    new_output(
                        "execute_result",
                        execution_count=3,
                        data={
                            "text/html": "<table class='dataframe'><tr><td>42</td></tr></table>",
                            "text/plain": "   0\n0 42",
                        },
                    ),
                    new_output("display_data", data={"image/png": DOT, "text/plain": "<Figure>"}),
                    new_output(
                        "error",
                        ename="ValueError",
                        evalue="no",
                        traceback=["\x1b[31mValueError\x1b[0m: no such <thing>"],
                    ),
                ],
            ),
            new_markdown_cell("| a | b |\n|--|--|\n| one | two |"),
            new_raw_cell("raw words"),
            new_code_cell(
                "", outputs=[new_output("display_data", data={"text/markdown": "**m**"})]
            ),
        ],
        metadata={"language_info": {"name": "python"}},
    )


def test_every_word_that_nbconvert_shows_is_shown() -> None:
    book = a_notebook()
    ours = words("".join(notebook.show(nbformat.writes(book).encode())))
    reference = HTMLExporter(template_name="basic").from_notebook_node(book)[0]
    missing = [word for word in words(reference) if word not in ours and word not in {"In", "Out"}]
    assert missing == []


def test_as_many_images_tables_and_errors_as_nbconvert_shows() -> None:
    book = a_notebook()
    ours = "".join(notebook.show(nbformat.writes(book).encode()))
    reference = HTMLExporter(template_name="basic").from_notebook_node(book)[0]
    for tag in ("<img", "<table", "<h1"):
        assert ours.count(tag) == reference.count(tag)
    assert ours.count("is-error") == 1


def test_pieces_of_one_stream_come_as_one() -> None:
    html = shown(
        [
            code(
                [
                    {"output_type": "stream", "name": "stdout", "text": "10%\r"},
                    {"output_type": "stream", "name": "stdout", "text": ["20", "%\n"]},
                    {"output_type": "stream", "name": "stderr", "text": "oh"},
                ]
            )
        ]
    )
    assert html.count("<pre>") == 2
    assert "<pre>20%\n</pre>" in html


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"text__html": "<b>rich</b>", "text__plain": "plain"}, "<b>rich</b>"),
        ({"text__html": "<script>1</script><div></div>", "text__plain": "Figure()"}, "Figure()"),
        ({"application__javascript": "alert(1)"}, "runs no programs"),
        ({"application__javascript": "alert(1)", "text__plain": "<JS>"}, "&lt;JS&gt;"),
        ({"application__vnd.plotly.v1+json": {"x": 1}}, "runs no programs"),
        (
            {"application__vnd.jupyter.widget-view+json": {}, "text__plain": "IntSlider(value=0)"},
            "IntSlider(value=0)",
        ),
        ({"text__latex": "$\\displaystyle x^{2}$", "text__plain": "x**2"}, "<msup>"),
        ({"text__markdown": "**bold**"}, "<strong>bold</strong>"),
        ({"application__json": {"a": [1]}}, 'class="nt"'),
        ({"image__svg+xml": "<svg onload='x'/>"}, 'src="data:image/svg+xml;base64,'),
        ({"image__png": "not base64!", "text__plain": "<Figure>"}, "&lt;Figure&gt;"),
        ({"text__html": "<style>.x{}</style><input type=checkbox>", "text__plain": "Pipe()"},
         "Pipe()"),
    ],
)  # fmt: skip
def test_the_richest_safe_form_is_shown(data: dict[str, Any], expected: str) -> None:
    assert expected in shown([code([display(**data)])])


def test_sizes_of_images_are_kept_if_they_are_sizes() -> None:
    output = display(image__png=DOT)
    output["metadata"] = {"image/png": {"width": 320, "height": '1" onload="x'}}
    html = shown([code([output])])
    assert 'width="320"' in html
    assert "onload" not in html


def test_attachments_are_shown_and_only_images_are() -> None:
    cell = {
        "cell_type": "markdown",
        "source": "![a](attachment:dot.png) ![b](attachment:page) ![c](attachment:none)",
        "attachments": {"dot.png": {"image/png": DOT}, "page": {"text/html": "PGI+"}},
    }
    html = shown([cell])
    assert html.count("data:image/png") == 1
    assert "text/html" not in html


def test_cells_have_anchors_that_differ() -> None:
    cells = [{"cell_type": "raw", "source": "x", "id": name} for name in ("a", "a", 'x"y', None)]
    anchors = re.findall(r'id="(cell-[^"]*)"', shown(cells))
    assert anchors == ["cell-a", "cell-number-2", "cell-number-3", "cell-number-4"]


def test_the_outline_lists_headings_down_to_the_third() -> None:
    cells = [{"cell_type": "markdown", "source": f"{'#' * n} H{n}"} for n in (1, 2, 3, 4)]
    html = shown(cells)
    assert 'href="#u-H3"' in html
    assert 'href="#u-H4"' not in html


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b"null", b'{"cells": 3}', b"\xff\xfe", b"[" * 200_000,
     b'{"cells":' + b"[" * 90_000, b'{"cells": [], "x": ' + b"9" * 10_000 + b"}"],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_notebook_becomes_a_clear_block(content: bytes) -> None:
    html = "".join(notebook.show(content))
    assert "This notebook cannot be shown" in html
    assert "Traceback" not in html


def test_format_3_is_read() -> None:
    sheet = {
        "cells": [
            {"cell_type": "heading", "level": 2, "source": "Old"},
            {"cell_type": "code", "input": "x = 1", "prompt_number": 1, "outputs": [
                {"output_type": "stream", "stream": "stdout", "text": "seen"},
                {"output_type": "pyout", "text": "41"},
                {"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": ["tb"]}]},
        ]
    }  # fmt: skip
    html = "".join(notebook.show(json.dumps({"worksheets": [sheet], "nbformat": 3}).encode()))
    for word in ('<h2 id="u-Old">', "seen", "41", "tb"):
        assert word in html


def test_notebooks_of_random_nonsense_are_shown_without_an_error() -> None:
    chance = random.Random(20)  # noqa: S311
    keys = ["cell_type", "source", "outputs", "output_type", "data", "text", "metadata", "id",
            "text/html", "image/png", "traceback", "attachments", "name", "execution_count",
            "jupyter", "image/svg+xml", "text/latex", "application/json"]  # fmt: skip
    leaves: list[Any] = [None, True, 3, -1.5, "code", "markdown", "stream", "error", "display_data", "$x$",
              "<b>", "\x00\ud800", [], {}, "\x1b[31m", 10**400]  # fmt: skip

    def tree(depth: int) -> Any:
        if depth == 0 or chance.random() < 0.2:
            return chance.choice(leaves)
        if chance.random() < 0.3:
            return [tree(depth - 1) for _ in range(chance.randrange(4))]
        return {chance.choice(keys): tree(depth - 1) for _ in range(chance.randrange(6))}

    for _ in range(400):
        cells = [tree(5) for _ in range(4)]
        cells += [{"cell_type": kind, "source": tree(1), "outputs": [tree(3)]} for kind in
                  ("code", "markdown")]  # fmt: skip
        content = json.dumps({"cells": cells, "metadata": tree(3)}).encode()
        "".join(notebook.show(content)).encode("utf-8", "replace")


def test_a_large_notebook_begins_at_once_and_ends_soon() -> None:
    cell = code([{"output_type": "stream", "name": "stdout", "text": "line of output\n" * 8_000}])
    content = json.dumps({"cells": [cell] * 200, "metadata": {}}).encode()
    assert len(content) > 20_000_000
    begun = time.perf_counter()
    pieces = notebook.show(content)
    next(pieces), next(pieces)
    first = time.perf_counter() - begun
    for _ in pieces:
        pass
    assert first < 2
    assert time.perf_counter() - begun < 8
