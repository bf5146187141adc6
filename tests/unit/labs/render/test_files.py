"""Previews of files, faces of cards, and the cache of both."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from machinelabs_hub.labs.render import cards, files
from machinelabs_hub.labs.render.cache import RenderCache
from machinelabs_hub.labs.render.links import Address, fill


def shown(path: str, content: bytes, *, whole: bool = True) -> str:
    return "".join(files.show(path, content, whole=whole))


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("main.py", b"def f(): ...", '<span class="k">def</span>'),
        ("notes.txt", b"<script>", "&lt;script&gt;"),
        ("Makefile", b"all:\n\techo", "all"),
        ("data.csv", b"a,b\n1,<i>\n", "<td>&lt;i&gt;</td>"),
        ("data.tsv", b"a\tb\n1\t2\n", "<td>2</td>"),
        ("empty.csv", b"", "is empty"),
        ("docs/README.md", b"![p](../p.png)", 'src="ml-raw:p.png"'),
        ("img/a b.png", b"\x89PNG", 'src="ml-raw:img/a%20b.png"'),
        ("evil.svg", b"<svg onload=alert(1)>", 'src="ml-raw:evil.svg"'),
        ("evil.html", b"<script>alert(1)</script>", "&lt;</span>"),
        ("model.pt", b"\x80\x02", "has no preview"),
        ("unknown", b"\x00\x01\x02", "has no preview"),
        ("broken.csv", b'a,"b\x00', "has no preview"),
    ],
)
def test_each_kind_of_file_is_shown_as_what_it_is(path: str, content: bytes, expected: str) -> None:
    html = shown(path, content)
    assert expected in html
    assert "<script" not in html
    assert "onload=" not in html


def test_json_has_a_line_for_each_value_and_keeps_every_digit() -> None:
    html = shown("metrics.json", b'{"loss":1.50e-3,"loss":2,"sizes":[1,2],"more":{"a":[{}]}}')
    text = re.sub("<[^>]+>", "", html)
    assert '{\n  "loss": 1.50e-3,\n  "loss": 2,\n  "sizes": [1, 2],\n' in text
    assert '"more": {\n    "a": [\n      {}\n    ]\n  }\n}' in text


@pytest.mark.parametrize("broken", [b'{"a":', b'{"a":1}{', b"[" * 100_000])
def test_what_is_no_json_is_shown_as_it_is(broken: bytes) -> None:
    assert re.sub("<[^>]+>", "", shown("a.json", broken)).strip().startswith(broken.decode())


def test_json_that_would_grow_too_long_is_shown_as_it_is() -> None:
    rows = b"[" + b",".join([b"[1]"] * 200_000) + b"]"
    assert "[1],[1]" in shown("a.json", rows)


def test_the_facts_before_a_model_card_are_apart_from_its_text() -> None:
    card = b"---\nlicense: mit\ntags:\n- <b>x</b>\n---\n# Two moons\n"
    html = shown("README.md", card)
    facts, _, text = html.partition("</details>")
    assert "license" in facts
    assert "<b>x" not in facts
    assert "license" not in text
    assert "Two moons" in text
    assert "<details" not in shown("a.md", b"---\nA line\n---\nText\n")


@pytest.mark.parametrize(
    ("path", "tag"), [("a b/voice.wav", "<audio"), ("film.MP4", "<video"), ("a.png", "")]
)
def test_sounds_and_films_have_a_player_that_fetches_them(path: str, tag: str) -> None:
    html = files.player(path) or ""
    assert tag in html
    assert bool(html) is bool(tag)
    if html:
        assert f'src="ml-raw:{path.replace(" ", "%20")}"' in html


def test_long_tables_and_texts_say_that_they_go_on() -> None:
    rows = b"a,b\n" + b"1,2\n" * 2_000
    assert f"The first {files.ROWS} rows" in shown("a.csv", rows)
    assert "The beginning is shown" in shown("a.py", b"x = 1\n", whole=False)


def test_the_first_plot_is_the_face_of_a_lab_and_else_its_first_lines() -> None:
    plot = base64.b64encode(b"image").decode()
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": "import x\n\nx.plot()", "outputs": [
            {"output_type": "display_data", "data": {"image/png": plot}}]},
    ]  # fmt: skip
    face = cards.face("main.ipynb", json.dumps({"cells": cells}).encode())
    assert face.plot == cards.Plot("image/png", b"image")
    cells[1]["outputs"] = []
    face = cards.face("main.ipynb", json.dumps({"cells": cells}).encode())
    assert face == cards.Card(None, ("import x", "x.plot()"))
    assert cards.face("main.ipynb", b"{") == cards.Card(None, ())


def test_what_was_rendered_once_is_read_from_then_on(tmp_path: Path) -> None:
    cache = RenderCache(folder=tmp_path / "cache")
    key = cache.key("blob", "folder")
    assert cache.read(key) is None
    assert list(cache.keep(key, iter(["a\n", "b\n"]))) == ["a\n", "b\n"]
    for reader in (cache, cache, RenderCache(folder=tmp_path / "cache")):
        assert "".join(reader.read(key) or []) == "a\nb\n"


def test_a_reader_who_leaves_early_leaves_nothing_half_written(tmp_path: Path) -> None:
    cache = RenderCache(folder=tmp_path)
    pieces = cache.keep(cache.key("x"), iter(["a\n", "b\n"]))
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert cache.read(cache.key("x")) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_error_while_rendering_is_not_kept(tmp_path: Path) -> None:
    cache = RenderCache(folder=tmp_path)

    def fails() -> Iterator[str]:
        yield "a\n"
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(cache.keep(cache.key("x"), fails()))
    assert cache.read(cache.key("x")) is None


def test_the_cache_stays_below_its_limit(tmp_path: Path) -> None:
    cache = RenderCache(folder=tmp_path, disk_bytes=100_000, memory_bytes=10_000)
    for number in range(60):
        list(cache.keep(cache.key(str(number)), iter(["x" * 5_000])))
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 120_000
    assert cache.read(cache.key("59")) is not None


def test_large_fragments_come_in_whole_lines_so_that_marks_are_filled(tmp_path: Path) -> None:
    cache = RenderCache(folder=tmp_path)
    line = 'x <a href="ml-file:data.csv">y</a>\n'
    list(cache.keep(cache.key("x"), iter([line * 60_000])))
    pieces = list(cache.read(cache.key("x")) or [])
    assert len(pieces) > 1
    where = Address(files="/l/files/", raw="/l/raw/")
    filled = "".join(fill(piece, where) for piece in pieces)
    assert filled.count('href="/l/files/data.csv"') == 60_000
