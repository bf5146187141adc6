"""Trees of files merge by path; what cannot be merged inside is kept twice."""

import json
import os
import random

import pytest
from tests.support.content import cell, notebook

from machinelabs_hub.labs.merge.report import Change, Names
from machinelabs_hub.labs.merge.trees import Held, MergedTree, Rules, merge_trees

NAMES = Names(mine="bob/moons", theirs="ada/moons r2", mark="r2")
Files = dict[str, bytes]


def merged(base: Files, mine: Files, theirs: Files, **rules: object) -> tuple[Files, MergedTree]:
    """Merge, and return the files as bytes."""
    sides = [{path: Held(content.hex(), len(content)) for path, content in side.items()}
             for side in (base, mine, theirs)]  # fmt: skip
    done = merge_trees(
        sides[0],
        sides[1],
        sides[2],
        content=lambda held: bytes.fromhex(held.id),
        rules=Rules(names=NAMES, **rules),  # type: ignore[arg-type]
    )
    files = {
        path: bytes.fromhex(held.id) if isinstance(held, Held) else held
        for path, held in done.files.items()
    }
    return files, done


def told(done: MergedTree) -> dict[str, Change]:
    return {change.path: change.change for change in done.changes}


def test_files_that_one_side_changed_are_as_that_side_has_them() -> None:
    base = {"a": b"1", "b": b"1", "c": b"1", "d": b"1"}
    files, done = merged(base, base | {"a": b"2", "m": b"m"}, {"a": b"1", "b": b"2", "d": b"1",
                                                              "t": b"t"})  # fmt: skip
    assert files == {"a": b"2", "b": b"2", "d": b"1", "m": b"m", "t": b"t"}
    assert told(done) == {"b": Change.CHANGED, "c": Change.REMOVED, "t": Change.ADDED}


def test_a_text_that_both_changed_merges_by_line_or_gets_marks() -> None:
    files, done = merged({"a.py": b"1\n2\n3\n"}, {"a.py": b"x\n2\n3\n"}, {"a.py": b"1\n2\ny\n"})
    assert (files, told(done)) == ({"a.py": b"x\n2\ny\n"}, {"a.py": Change.MERGED})
    files, done = merged({"a.py": b"1\n"}, {"a.py": b"x\n"}, {"a.py": b"y\n"})
    assert files["a.py"] == b"<<<<<<< bob/moons\nx\n=======\ny\n>>>>>>> ada/moons r2\n"
    assert done.conflicts == 1


def test_what_is_no_text_or_too_large_or_new_on_both_sides_is_kept_twice() -> None:
    for base, mine, theirs in (
        (b"\0base", b"\0mine", b"\0theirs"),
        (b"\xffbase", b"\xffmine", b"\xfftheirs"),
        (b"1" * 90, b"2" * 90, b"3" * 90),
    ):
        files, done = merged({"d/a.x": base}, {"d/a.x": mine}, {"d/a.x": theirs}, text_bytes=50)
        assert files == {"d/a.x": mine, "d/a (r2).x": theirs}
        assert (done.changes[0].change, done.changes[0].beside) == (Change.CONFLICT, "d/a (r2).x")
    files, done = merged({}, {"a": b"mine"}, {"a": b"theirs"})
    assert files == {"a": b"mine", "a (r2)": b"theirs"}


def test_an_edit_wins_over_a_removal_and_is_told() -> None:
    files, done = merged({"a": b"1", "b": b"1"}, {"b": b"mine"}, {"a": b"theirs"})
    assert files == {"a": b"theirs", "b": b"mine"}
    assert told(done) == {"a": Change.KEPT, "b": Change.KEPT}
    assert done.conflicts == 2


def test_names_that_are_one_on_some_machines_are_parted() -> None:
    files, done = merged({}, {"Data.csv": b"m"}, {"data.csv": b"t"})
    assert files == {"Data.csv": b"m", "data (r2).csv": b"t"}
    files, _ = merged({}, {"a": b"m"}, {"a/b.txt": b"t", "a/c.txt": b"t"})
    assert files == {"a": b"m", "a (r2)/b.txt": b"t", "a (r2)/c.txt": b"t"}
    files, _ = merged({}, {"a/b": b"m"}, {"a": b"t"})
    assert files == {"a/b": b"m", "a (r2)": b"t"}
    files, done = merged({}, {"a": b"m", "a (r2)": b"m"}, {"a": b"t"})
    assert files == {"a": b"m", "a (r2)": b"m", "a (r2) (r2)": b"t"}
    assert done.conflicts == 1


def test_a_merged_file_that_no_lab_may_hold_is_kept_twice() -> None:
    files, _ = merged({"ml.yaml": b"1\n2\n3\n"}, {"ml.yaml": b"x\n2\n3\n"},
                      {"ml.yaml": b"1\n2\ny\n"}, accepts=lambda _path, _content: False)  # fmt: skip
    assert files == {"ml.yaml": b"x\n2\n3\n", "ml (r2).yaml": b"1\n2\ny\n"}


def test_a_notebook_merges_by_cell_and_a_broken_one_is_kept_twice() -> None:
    base = [cell("code", "a", "a"), cell("code", "b", "b")]
    mine = notebook([base[0] | {"source": "mine"}, base[1]])
    theirs = notebook([base[0], base[1] | {"source": "theirs"}])
    files, done = merged({"m.ipynb": notebook(base)}, {"m.ipynb": mine}, {"m.ipynb": theirs})
    sources = [one["source"] for one in json.loads(files["m.ipynb"])["cells"]]
    assert (sources, told(done)) == (["mine", "theirs"], {"m.ipynb": Change.MERGED})
    _, done = merged({"m.ipynb": mine}, {"m.ipynb": mine}, {"m.ipynb": notebook(base)})
    assert [change.change for change in done.changes[0].cells] == [Change.CHANGED]
    files, _ = merged({"m.ipynb": notebook(base)}, {"m.ipynb": b"{"}, {"m.ipynb": theirs})
    assert files == {"m.ipynb": b"{", "m (r2).ipynb": theirs}


PATHS = ["a.py", "b.md", "c.bin", "d/e.txt", "D/E.txt", "d", "f/g"]


def fits(path: str, files: Files) -> bool:
    keys = {other.lower() for other in files}
    key = path.lower()
    return not any(o == key or o.startswith(f"{key}/") or key.startswith(f"{o}/") for o in keys)


def content(chance: random.Random, word: str, was: bytes = b"") -> bytes:
    lines = was.split(b"\n")
    lines.insert(chance.randint(0, len(lines)), word.encode())
    return (b"\0" if chance.random() < 0.15 else b"") + b"\n".join(lines)


def edited(chance: random.Random, side: str, files: Files) -> Files:
    for path in chance.sample(PATHS, 3):
        if path in files and chance.random() < 0.4:
            del files[path]
        elif path in files:
            files[path] = content(chance, f"{side}-{path}-edit", files[path])
        elif fits(path, files):
            files[path] = content(chance, f"{side}-{path}-new")
    return files


def prove(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    base: Files = {}
    for path in chance.sample(PATHS, 4):
        if fits(path, base):
            base[path] = b"\n".join(b"line %d of %s" % (n, path.encode()) for n in range(6))
    mine, theirs = edited(chance, "mine", dict(base)), edited(chance, "theirs", dict(base))
    files, _ = merged(base, mine, theirs)
    everything = set(b"\n".join(files.values()).replace(b"\0", b"").split(b"\n"))
    old = {line for text in base.values() for line in text.split(b"\n")}
    for side in (mine, theirs):
        words = {line for text in side.values() for line in text.replace(b"\0", b"").split(b"\n")}
        assert words - old <= everything, seed
    for path in files:
        assert fits(path, {other: b"" for other in files if other != path}), seed


def test_no_line_of_either_side_is_lost_from_a_sample_of_trees() -> None:
    for seed in range(200):
        prove(seed)


@pytest.mark.proof
@pytest.mark.skipif(not os.environ.get("MACHINELABS_PROOF"), reason="make proof runs it in full")
def test_no_line_of_either_side_is_lost_from_ten_thousand_trees() -> None:
    for seed in range(10_000):
        prove(seed)
