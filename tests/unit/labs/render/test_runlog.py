"""What a run prints, as the rows that its page shows."""

import json
import re
from html import unescape
from typing import Any

from machinelabs_hub.labs.render.run_rows import Row
from machinelabs_hub.labs.render.runlog import Screen


def screen(*events: dict[str, Any], **more: int) -> Screen:
    made = Screen(**more)
    for n, event in enumerate(events, 1):
        made.feed({"n": n} | event)
    return made


def out(text: str, cell: int | None = None, kind: str = "stdout") -> dict[str, Any]:
    return {"kind": kind, "text": text, "cell": cell}


def words(row: Row) -> str:
    html = re.sub(r"<a [^>]*>\d+</a>", "", row.html)
    return unescape(re.sub(r"<[^>]+>", "", html)).strip()


def rows(made: Screen) -> list[str]:
    return [words(row) for row in (*made.head, *made.tail)]


def test_pieces_become_lines_wherever_they_are_cut() -> None:
    text = "one\ntwo\r\nthree"
    for size in range(1, len(text) + 1):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        made = screen(*map(out, pieces))
        assert rows(made) == ["one", "two", "three"]
        assert [row.line for row in made.head] == [1, 2, 3]


def test_a_progress_bar_stays_one_row_also_while_the_program_prints() -> None:
    steps = [out(f"\r{n * 10:3}% |{'#' * n}", kind="stderr") for n in range(11)]
    made = screen(*steps[:5], out("epoch 1\n"), *steps[5:], out("epoch 2\n"))
    assert rows(made) == ["100% |##########", "epoch 1", "epoch 2"]
    assert [row.kind for row in made.head] == ["stderr", "stdout", "stdout"]
    assert made.head[0].at == 12


def test_what_a_return_writes_over_is_what_a_terminal_would_show() -> None:
    assert rows(screen(out("abcdef\rxy"), out("z"))) == ["xyzdef"]
    assert rows(screen(out("abc\r"), out("\nnext"))) == ["abc", "next"]
    long = screen(*(out(f"\r{n:6}") for n in range(20_000)))
    assert rows(long) == ["19999"]
    assert len(long.head[0].text) < 20


def test_colours_last_over_lines_and_nothing_of_the_program_acts() -> None:
    made = screen(out("\x1b[31mred\nstill red\x1b[0m\nplain <script>alert(1)</script>\n"))
    first, second, third = (row.html for row in made.head)
    assert '<span class="ansi-fg-1">red</span>' in first
    assert '<span class="ansi-fg-1">still red</span>' in second
    assert "ansi" not in third
    assert "&lt;script&gt;" in third
    shown = {"output_type": "display_data", "data": {"text/html": "<b onclick='x()'>hi</b>"
             "<script>alert(1)</script><img src='https://elsewhere.example/a.png'>"}}  # fmt: skip
    html = screen({"kind": "output", "cell": 1, "output": shown}).head[0].html
    assert "<b>hi</b>" in html
    assert not re.search("onclick|script|<img", html)


def test_only_the_first_and_the_last_rows_are_kept_and_the_others_counted() -> None:
    made = screen(*(out(f"{n}\n") for n in range(10_000)), head=10, tail=20)
    assert rows(made) == [*map(str, range(10)), *map(str, range(9_980, 10_000))]
    assert (made.dropped, made.lines, made.count) == (9_970, 10_000, 10_000)
    assert [words(row) for row in made.changed(9_998)] == ["9998", "9999"]


def test_large_outputs_push_out_rows_before_them() -> None:
    image = {"output_type": "display_data", "data": {"image/png": "A" * 400_000}}
    drawn = [{"kind": "output", "cell": 1, "output": image}] * 100
    made = screen(*drawn, most_characters=1 << 20)
    kept = [*made.head, *made.tail]
    assert kept[-1].number == 99
    assert sum(len(row.html) for row in kept) < 3 << 20
    huge = {"output_type": "display_data", "data": {"text/plain": "A" * 3_000_000}}
    assert "too large" in rows(screen({"kind": "output", "cell": 1, "output": huge}))[0]


def test_a_line_without_an_end_does_not_grow_for_ever() -> None:
    made = screen(*[out("x" * 1_000)] * 1_000)
    assert made.count == 1
    assert len(made.head[0].text) < 5_000
    assert rows(made)[0].endswith("goes on in the whole log)")


def test_cells_have_a_heading_that_tells_how_they_ended() -> None:
    made = screen(
        {"kind": "cell", "cell": 2, "state": "running", "title": "fit(x, y)"},
        out("loss 1\n", 2),
        {"kind": "cell", "cell": 2, "state": "error", "seconds": 1.26},
        {"kind": "note", "text": "An output was left out."},
    )
    assert [row.kind for row in made.head] == ["cell", "stdout", "note"]
    heading = " ".join(rows(made)[0].split())
    assert heading == "Cell 3 fit(x, y) failed · 1.3 s"
    assert 'id="cell-3"' in made.head[0].html
    assert [row.kind for row in made.changed(2)] == ["cell", "note"]


def test_a_display_is_drawn_anew_and_a_cleared_cell_is_empty() -> None:
    def shows(text: str) -> dict[str, Any]:
        return {"output_type": "display_data", "data": {"text/plain": text}}

    made = screen(
        {"kind": "output", "cell": 1, "output": shows("50 %"), "display_id": "d"},
        out("a line\n", 1),
        {"kind": "update", "display_id": "d", "data": {"text/plain": "100 %"}},
    )
    assert rows(made) == ["100 %", "a line"]
    made.feed({"n": 4, "kind": "clear", "cell": 1})
    assert rows(made) == ["", ""]
    assert all("hidden" in row.html for row in made.changed(3))


def test_a_film_stays_where_it_is() -> None:
    made = screen(out("before\n", 1))
    for frame in range(50):
        made.feed({"n": 2 * frame + 2, "kind": "clear", "cell": 1, "wait": True})
        assert len(rows(made)) == 1
        made.feed({"n": 2 * frame + 3} | out(f"frame {frame}\n", 1))
        assert rows(made) == [f"frame {frame}"]
    assert made.count == 1


def test_an_input_is_one_row_with_its_progress() -> None:
    def told(state: str, received: int, **more: Any) -> dict[str, Any]:
        return {"kind": "input", "name": "a.pt", "state": state, "received": received} | more

    made = screen(told("fetching", 0, total=0), told("fetching", 1 << 20, total=4 << 20))
    assert made.count == 1
    assert 'max="4194304" value="1048576"' in made.head[0].html
    assert "1.0 MB of 4.0 MB" in made.head[0].html
    made.feed({"n": 3} | told("done", 4 << 20, total=4 << 20, is_kept=True))
    assert " ".join(rows(made)[0].split()) == "Input a.pt 4.0 MB, known here already"
    made.feed({"n": 4} | told("failed", -1, total="x", text="It is <not> there."))
    assert rows(made)[0].endswith("It is <not> there.")
    assert "<not>" not in made.head[0].html


def test_events_that_come_again_or_make_no_sense_change_nothing() -> None:
    made = screen(out("a\n"))
    for event in ({"n": 1} | out("a\n"), {"n": "2"}, {}, {"n": 2, "kind": "new"},
                  {"n": 3, "kind": "output", "output": []}, {"n": 4, "kind": "cell", "cell": None},
                  {"n": 5, "kind": "stdout", "text": None}):  # fmt: skip
        made.feed(event)
    assert rows(made)[0] == "a"
    assert made.lines == 1


def test_an_output_that_is_not_shown_any_more_is_not_held_for_what_may_still_change_it() -> None:
    def shown(kind: str, text: str) -> dict[str, Any]:
        output = {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}
        return {"kind": kind, "output": output, "display_id": "d"}

    made = screen(shown("output", "first " * 1000), out("\n" * 10), head=0, tail=5)
    (row,) = made._displays.values()
    assert row.size == 0
    made.feed({"n": 3} | shown("update", "again " * 1000))
    assert row.size == 0
    assert all(one.kind != "output" for one in made.tail)


def test_a_screen_that_was_put_down_anywhere_goes_on_as_if_it_never_was() -> None:
    picture = {"output_type": "display_data", "data": {"text/html": "<b>b</b>"}, "metadata": {}}
    events: list[dict[str, Any]] = []
    for cell in range(3):
        events += [
            {"kind": "cell", "cell": cell, "state": "running", "title": "x"},
            out("\x1b[31mred\none", cell),
            {"kind": "output", "cell": cell, "output": picture, "display_id": f"d{cell}"},
            out("\r 10%", cell, kind="stderr"),
            {"kind": "usage", "at": f"2026-01-01T00:00:0{cell}+00:00", "cpu": 1, "gpu_percent": 5},
            out("\r 20%", cell, kind="stderr"),
            {"kind": "update", "output": picture, "display_id": "d0"},
            {"kind": "clear", "cell": cell, "wait": True},
            {"kind": "input", "name": "a", "state": "fetching", "received": cell, "total": 3},
            out("again\n" * 5, cell),
            {"kind": "cell", "cell": cell, "state": "done", "seconds": 1},
            {"kind": "note", "text": "so far"},
        ]
    size = {"head": 4, "tail": 9}
    whole = screen(*events, **size)
    for cut in range(len(events)):
        before = screen(*events[:cut], **size)
        after = Screen(**size)
        after.take_up(json.loads(json.dumps(before.put_down())))
        for n, event in enumerate(events[cut:], cut + 1):
            after.feed({"n": n} | event)
        assert after.put_down()["counts"] == whole.put_down()["counts"]
        assert [row.html for row in after.head] == [row.html for row in whole.head]
        assert [row.html for row in after.tail] == [row.html for row in whole.tail]
        assert (after.uses.points, after.uses.now) == (whole.uses.points, whole.uses.now)
