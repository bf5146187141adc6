"""Logs of runs: what is sent is stored once, in order, whole, and within its limit."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from machinelabs_hub.db.engine import DiskFull
from machinelabs_hub.labs.storage.run_events import EventGap, EventReader, EventStore

MIB = 1 << 20


def store_in(folder: Path, *, most: int = 100 * MIB) -> EventStore:
    return EventStore(folder=folder, most_bytes=most, durable=False)


def prints(*texts: str, kind: str = "stdout") -> list[dict[str, Any]]:
    return [{"at": "2026-11-21T12:00:00Z", "kind": kind, "text": text} for text in texts]


def read(reader: EventReader, **limits: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in reader.read(**limits)]


def texts(store: EventStore, run: int = 1, *, after: int = 0) -> list[str]:
    found: list[str] = []
    reader = store.reader(run, after=after)
    while lines := read(reader):
        found += [line.get("text", "") for line in lines]
    return found


def file_of(folder: Path, run: int = 1) -> Path:
    return folder / str(run) / "events.jsonl"


def test_events_are_read_back_as_they_came(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    said = ["a\n", "ü 🙂 \x1b[31m\r", '"quoted"\\', "\0"]
    assert store.append(1, 1, prints(*said)) == 5
    assert [line["n"] for line in read(store.reader(1))] == [1, 2, 3, 4]
    assert texts(store) == said
    assert texts(store, 2) == []


def test_what_is_sent_twice_is_stored_once(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.append(1, 1, prints("a", "b", "c"))
    assert store.append(1, 2, prints("b", "c", "d")) == 5
    assert store.append(1, 1, prints("a")) == 5
    assert store.append(1, 5, []) == 5
    assert texts(store) == ["a", "b", "c", "d"]


def test_a_gap_is_refused_and_says_what_comes_next(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.append(1, 1, prints("a"))
    with pytest.raises(EventGap) as refused:
        store.append(1, 3, prints("c"))
    assert refused.value.following == 2
    assert texts(store) == ["a"]


def test_half_of_a_pair_of_signs_is_stored_as_a_question_mark(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.append(1, 1, prints("\ud83d!"))
    assert texts(store) == ["?!"]


def test_a_reader_goes_on_where_it_was_and_begins_anywhere(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    many = [str(number) for number in range(1, 2001)]
    store.append(1, 1, prints(*many[:1500]))
    reader = store.reader(1)
    assert len(read(reader, most=1400)) == 1400
    assert not reader.is_at_end
    assert [line["n"] for line in read(reader)] == list(range(1401, 1501))
    assert reader.is_at_end
    store.append(1, 1501, prints(*many[1500:]))
    assert [line["text"] for line in read(reader)] == many[1500:]
    for after in (0, 1, 255, 256, 257, 1500, 1999, 2000, 5000):
        assert texts(store, after=after) == many[after:]


def test_a_read_is_bounded_in_bytes_and_gives_at_least_one_event(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.append(1, 1, prints("x" * MIB, "y" * MIB, "z"))
    reader = store.reader(1)
    assert [len(line["text"]) for line in read(reader, most_bytes=10)] == [MIB]
    assert [len(line["text"]) for line in read(reader, most_bytes=MIB + MIB)] == [MIB, 1]


@pytest.mark.parametrize(
    "torn",
    [
        b'{"n":3,"at":"x","kind":"std',
        b'{"n":3,"at":"x","kind":"stdout","text":"c"}',
        b"\0" * 100,
        b'{"n":3,"at":"x","te\n{"n":4,"at":"x","kind":"stdout","text":"d"}\n',
        b'{"n":2,"at":"x","kind":"stdout","text":"again"}\n',
    ],
)
def test_what_a_crash_cut_off_is_removed_and_can_be_sent_again(tmp_path: Path, torn: bytes) -> None:
    store_in(tmp_path).append(1, 1, prints("a", "b"))
    whole = file_of(tmp_path).read_bytes()
    file_of(tmp_path).write_bytes(whole + torn)
    store = store_in(tmp_path)
    assert texts(store) == ["a", "b"]
    assert store.append(1, 3, prints("c")) == 4
    assert texts(store) == ["a", "b", "c"]
    assert file_of(tmp_path).read_bytes().startswith(whole)


def test_a_full_log_says_so_and_keeps_states_of_cells(tmp_path: Path) -> None:
    store = store_in(tmp_path, most=MIB)
    lines = ["x" * 1000] * 2000
    assert store.append(1, 1, prints(*lines)) == 2001
    assert store.append(1, 2001, [{"at": "x", "kind": "cell", "cell": 1, "state": "done"}]) == 2002
    assert store.append(1, 2002, prints("later")) == 2003
    kept = [json.loads(line) for line in file_of(tmp_path).read_bytes().splitlines()]
    assert [line["kind"] for line in kept[-2:]] == ["note", "cell"]
    assert "1 MiB" in kept[-2]["text"]
    assert file_of(tmp_path).stat().st_size < MIB + 10_000
    # And a service that begins anew knows it, though it cannot know how much was left out.
    again = store_in(tmp_path, most=MIB)
    assert again.append(1, 2003, prints("more")) == 2004
    assert again.append(1, 2004, [{"at": "x", "kind": "note", "text": "end"}]) == 2005
    assert texts(again)[-1] == "end"


def test_what_is_not_printed_is_bounded_too(tmp_path: Path) -> None:
    store = store_in(tmp_path, most=MIB)
    notes = prints(*["x" * 10_000] * 1000, kind="note")
    assert store.append(1, 1, notes) == 1001
    assert file_of(tmp_path).stat().st_size < 6 * MIB


def test_a_batch_that_finds_no_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path)
    store.append(1, 1, prints("a"))
    real = os.write

    def full(descriptor: int, content: bytes) -> int:
        real(descriptor, bytes(content)[:20])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(DiskFull):
            store.append(1, 2, prints("b"))
    assert texts(store) == ["a"]
    assert store.append(1, 2, prints("b")) == 3
    assert texts(store_in(tmp_path)) == ["a", "b"]


def test_a_reader_sees_what_comes_however_many_logs_are_open(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.append(1, 1, prints("a"))
    reader = store.reader(1)
    for run in range(2, 400):
        store.append(run, 1, prints("x"))
    store.append(1, 2, prints("b"))
    assert [line["text"] for line in read(reader)] == ["a", "b"]


def test_a_removed_log_is_gone(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.append(1, 1, prints("a"))
    assert list(store.ids()) == [1]
    store.remove(1)
    assert list(store.ids()) == []
    assert texts(store) == []
