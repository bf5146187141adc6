"""Whether an executed notebook shows what the saved one shows: text, numbers, pictures."""

import base64
import math
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.content import png

from machinelabs_hub.labs.compare.pictures import Pictures
from machinelabs_hub.labs.compare.results import compare_cells
from machinelabs_hub.labs.compare.texts import Near, compare_texts, is_near
from machinelabs_hub.labs.models.run import Reason, RunState
from machinelabs_hub.labs.models.verification import (
    CellResult,
    Same,
    Verdict,
    injected_values,
    is_of_code,
    outcome_of,
)

SAME_TEXTS = {
    "an address": ("<A object at 0x7f3ab2c41d90>", "<A object at 0x7fee12345678>"),
    "a time": ("done at 2026-11-22 00:12:32.123", "done at 2027-01-02T10:00:01Z"),
    "a date in words": ("Sun Nov 22 00:09:32 2026", "Mon Jan 4 11:59:00 2027"),
    "how long it took": ("CPU times: user 1.2 ms, total: 3.4 s", "CPU times: user 980 µs, total: 1min"),
    "a rate": ("epoch 1: 12.5 it/s", "epoch 1: 99 it/s"),
    "a temporary folder": ("saved to /tmp/tmpab12/x.csv", "saved to /tmp/tmpzz99/y.csv"),
    "colours": ("\x1b[31mred\x1b[0m", "red"),
    "a bar that was drawn over": ("10%\r50%\r100% done", "3%\r100% done"),
    "widths of columns": ("a   b\n1  2", "a b\n1   2"),
}  # fmt: skip


def code(source: str, *outputs: dict[str, Any], count: int | None = 1, **more: Any) -> Any:
    cell = {"cell_type": "code", "source": source, "outputs": list(outputs)}
    return cell | {"execution_count": count} | more


def prints(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def gives(**data: Any) -> dict[str, Any]:
    kinds = {name.replace("_", "/", 1): value for name, value in data.items()}
    return {"output_type": "execute_result", "data": kinds, "metadata": {}}


def one(before: Any, after: Any) -> CellResult:
    (found,) = compare_cells([before], [after])
    return found


def curve(bend: float, width: int = 160) -> bytes:
    """A line plot on white, as thick as a pen."""

    def pixel(x: int, y: int) -> tuple[int, int, int]:
        near = abs(y - (60 + bend * math.sin(x / 18)))
        shade = min(255, int(near * 90))
        return shade, shade, 255 if near > 3 else 200

    return png(width, 120, pixel)


@pytest.mark.parametrize("what", SAME_TEXTS)
def test_what_differs_from_run_to_run_is_left_out(what: str) -> None:
    assert compare_texts(*SAME_TEXTS[what]) == (Near.SAME, "")


def test_numbers_may_differ_a_little_counts_and_words_not() -> None:
    assert compare_texts("loss 0.12345, 3 epochs", "loss 0.12349, 3 epochs") == (Near.NEAR, "")
    near, why = compare_texts("loss 0.12345", "loss 0.15345")
    assert (near, why) == (Near.FAR, "It shows 0.15345 where the revision shows 0.12345.")
    assert compare_texts("3 epochs", "4 epochs")[0] is Near.FAR
    near, why = compare_texts("the best is adam", "the best is sgd")
    assert near is Near.FAR
    assert why == "It shows “the best is sgd” where the revision shows “the best is adam”."
    assert compare_texts("1.0 2.0", "1.0")[1] == "It shows less than the revision."


def test_the_tolerance_is_relative_and_one_step_of_what_is_written() -> None:
    assert is_near("1000.0", "1000.9")
    assert not is_near("1000.0", "1002.0")
    assert is_near("0.985", "0.984")
    assert not is_near("0.9", "1.0")
    assert is_near("1.2e-17", "-3.0e-17")
    assert is_near("1e400", "1e400")
    assert not is_near("1e400", "1.5")


def test_printed_text_counts_once_and_warnings_do_not() -> None:
    before = code("f()", prints("a\n"), prints("careful\n", "stderr"), prints("b\n"))
    assert one(before, code("f()", prints("a\nb\n"))).same is Same.SAME
    changed = one(before, code("f()", prints("a\n")))
    assert (changed.same, changed.title) == (Same.DIFFERS, "f()")


def test_a_cell_that_shows_nothing_saved_has_nothing_to_compare() -> None:
    fresh = code("f()", count=None)
    assert one(fresh, code("f()", prints("new"))).same is Same.NOTHING
    assert one(code("f()"), code("f()", prints("new"))).same is Same.DIFFERS
    assert one(code("f()", prints("x")), code("f()", count=None)).same is Same.DIFFERS


def test_an_error_is_a_failure_unless_the_revision_shows_it() -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}
    assert one(code("f()", prints("x")), code("f()", error)).same is Same.FAILED
    assert one(code("f()", error), code("f()", error)).same is Same.SAME


def test_a_table_is_compared_by_its_words() -> None:
    def table(value: str, style: str) -> dict[str, Any]:
        html = f"<style>.{style} {{}}</style><table><tr><td>loss</td><td>{value}</td></tr></table>"
        return gives(text_html=html, text_plain="ignored")

    assert one(code("t", table("0.51234", "a")), code("t", table("0.51236", "b"))).same is Same.NEAR
    assert one(code("t", table("0.5", "a")), code("t", table("0.7", "a"))).same is Same.DIFFERS
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    other = {"application/vnd.jupyter.widget-view+json": {"model_id": "2"}}
    shown = [{"output_type": "display_data", "data": data} for data in (widget, other)]
    assert one(code("w", shown[0]), code("w", shown[1])).same is Same.SAME


def test_pictures_are_compared_by_looks() -> None:
    plot, nearly, other = curve(30), curve(30.4), curve(12)
    assert Pictures().compare(plot, plot) == (Near.SAME, "")
    assert Pictures().compare(plot, nearly) == (Near.NEAR, "")
    assert Pictures().compare(plot, other) == (Near.FAR, "The picture looks different.")
    assert Pictures().compare(plot, curve(30, width=200)) == (
        Near.FAR,
        "The picture has another size.",
    )
    assert Pictures().compare(plot, b"GIF89a") == (
        Near.FAR,
        "The picture differs. Only PNG is compared by looks.",
    )
    assert Pictures().compare(plot, plot[:60] + plot[64:])[0] is Near.FAR
    packed = [base64.b64encode(each).decode() for each in (plot, other)]
    cells = [code("plot", gives(image_png=each, text_plain="<Figure>")) for each in packed]
    assert one(cells[0], cells[0]).same is Same.SAME
    assert one(cells[0], cells[1]).same is Same.DIFFERS


def test_cells_are_paired_by_id_and_text_is_no_cell() -> None:
    text = {"cell_type": "markdown", "source": "# Hello"}
    saved = [text, code("a", prints("1"), id="x"), code("b", prints("2"), id="y")]
    found = compare_cells(saved, [text, saved[2], saved[1]])
    assert [(each.number, each.same) for each in found] == [(2, Same.SAME), (3, Same.SAME)]


def test_values_of_an_earlier_run_are_read_from_its_cell() -> None:
    book = (
        b'{"cells": [{"cell_type": "code", "metadata": {"tags": ["injected-parameters"]}, "source":'
        b' ["# Parameters\\n", "epochs = 7\\n", "name = \'x\'\\n", "x = float(\\"nan\\")"]}]}'
    )
    assert injected_values(book) == {"epochs": 7, "name": "x"}
    assert injected_values(b"not a notebook") == {}


def test_only_what_the_code_did_counts_against_a_lab() -> None:
    assert is_of_code(Reason("ValueError: no", cell=2, ename="ValueError"))
    assert not is_of_code(Reason("The hub could not start its container."))


class _Ended:
    def __init__(self, state: RunState, reason: Reason | None = None) -> None:
        self.state, self.reason = state, reason


@pytest.mark.parametrize(
    ("state", "reason", "verdict"),
    [
        (RunState.FINISHED, None, Verdict.CLEAN),
        (RunState.FAILED, Reason("ValueError: no", 2, "ValueError"), Verdict.FAILED),
        (RunState.FAILED, Reason("input unreachable"), Verdict.VOID),
        (RunState.STOPPED, Reason("ada stopped it."), Verdict.VOID),
        (RunState.LOST, None, Verdict.VOID),
    ],
)
def test_how_a_run_ended_is_what_it_says_of_its_lab(
    state: RunState, reason: Reason | None, verdict: Verdict
) -> None:
    run: Any = _Ended(state, reason)
    assert outcome_of(run, ()).verdict is verdict


def test_a_picture_of_every_kind_of_pixel_and_filter_is_read() -> None:
    rows = [bytes((x * 3 + y * 5) % 256 for x in range(32)) for y in range(10)]
    for colour, channels in ((0, 1), (4, 2), (6, 4)):
        plain = _packed(rows, 32 // channels, colour, lambda _: 0, channels)
        mixed = _packed(rows, 32 // channels, colour, lambda at: at % 5, channels)
        assert plain != mixed
        assert Pictures().compare(plain, mixed) == (Near.SAME, "")


def _packed(
    rows: list[bytes], width: int, colour: int, kind_at: Callable[[int], int], step: int
) -> bytes:
    """Write a PNG whose rows are stored in the ways that the format knows."""
    stored, above = [], bytes(len(rows[0]))
    for at, row in enumerate(rows):
        left = bytes(step) + row[:-step]
        corner = bytes(step) + above[:-step]
        kind = kind_at(at)
        guess = [
            (0, a, b, (a + b) // 2, _nearest(a, b, c))[kind]
            for a, b, c in zip(left, above, corner, strict=True)
        ]
        stored.append(bytes([kind, *((x - g) % 256 for x, g in zip(row, guess, strict=True))]))
        above = row
    head = struct.pack(">IIBBBBB", width, len(rows), 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(stored))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _nearest(left: int, above: int, corner: int) -> int:
    return min((left, above, corner), key=lambda one: abs(left + above - corner - one))


def test_the_verdict_names_the_cells_that_differ() -> None:
    run: Any = _Ended(RunState.FINISHED)
    cells = (CellResult(2, "a", Same.NEAR), CellResult(5, "b", Same.DIFFERS, "why"))
    found = outcome_of(run, cells)
    assert found.verdict is Verdict.DIFFERS
    assert found.sentence == "Cell 5 shows something else than in the revision."
    assert outcome_of(run, cells[:1]).sentence == "1 cell shows what the revision shows."
