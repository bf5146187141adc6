"""No edit of either side is lost, and edits apart from each other merge by themselves."""

import json
import os
import re
import warnings
from collections import Counter
from typing import Any

import nbformat
import pytest
from tests.support.triples import WORD, Triple, a_triple, words_of

from machinelabs_hub.labs.merge.notebooks import MergedNotebook, merge_notebooks, read, write
from machinelabs_hub.labs.merge.report import Names

NAMES = Names(mine="ben/moons", theirs="ada/moons r5", mark="r5")
FULL = 1_000
SAMPLE = 180
OLD = re.compile(r"value_cell_\d+")


def merged(triple: Triple) -> MergedNotebook:
    base, mine, theirs = (
        read(json.dumps(side).encode()) for side in (triple.base, triple.mine, triple.theirs)
    )
    return merge_notebooks(base, mine, theirs, NAMES)


def places(book: dict[str, Any]) -> dict[str, set[str]]:
    """Return the words of edits by the part of a notebook that they stand in."""
    found: dict[str, set[str]] = {"source": set(), "outputs": set(), "attachments": set()}
    about = [book["metadata"]]
    for cell in book["cells"]:
        for part in found:
            found[part] |= words_of(cell.get(part))
        about.append(cell["metadata"])
        kept = cell["metadata"].get("machinelabs", {}).get("conflict", {})
        found["outputs"] |= words_of(kept.get("outputs"))
    found["metadata"] = words_of(about)
    return found


def lost(triple: Triple, result: dict[str, Any]) -> dict[str, set[str]]:
    """Return what a side brought and the result has not, by the part where it has to be."""
    there, base = places(result), places(triple.base)
    missing = {}
    old = [set(OLD.findall(json.dumps(book))) for book in (triple.mine, triple.theirs, result)]
    if gone := (old[0] & old[1]) - old[2]:
        missing["base"] = gone
    for side in (triple.mine, triple.theirs):
        for part, words in places(side).items():
            gone = words - base[part] - there[part]
            if gone:
                missing[part] = gone
    return missing


def content(cell: dict[str, Any]) -> str:
    """Return all of a cell but its name, in one spelling."""
    kept = {key: cell.get(key) for key in ("cell_type", "metadata", "outputs", "attachments")}
    source = cell["source"]
    kept["source"] = source if isinstance(source, str) else "".join(source)
    kept["attachments"] = kept["attachments"] or None
    return json.dumps(kept, sort_keys=True)


def wrong(triple: Triple, result: MergedNotebook) -> str:
    """Return in what the merge of edits that are apart differs from what both want."""
    assert triple.wanted is not None
    if result.conflicts or result.asides:
        return f"{result.conflicts} conflicts, {result.asides} asides"
    wanted = Counter(content(cell) for cell in triple.wanted.cells)
    got = Counter(content(cell) for cell in result.tree["cells"])
    if wanted != got:
        return f"missing {list(wanted - got)}, too much {list(got - wanted)}"
    if result.tree["metadata"] != triple.wanted.metadata:
        return "metadata"
    return disorder(triple, result) if "move" not in triple.styles else ""


def disorder(triple: Triple, result: MergedNotebook) -> str:
    """Return which side's cells stand in another order than that side has them."""
    order = [cell.get("id") for cell in result.tree["cells"]]
    for side in (triple.mine, triple.theirs):
        ids = [cell.get("id") for cell in side["cells"]]
        kept = [name for name in ids if name in order]
        if None not in kept and kept != [name for name in order if name in ids]:
            return "order"
    return ""


def check_valid(book: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nbformat.validate(nbformat.from_dict(json.loads(write(book))))
    ids = [cell["id"] for cell in book["cells"] if "id" in cell]
    assert len(ids) == len(set(ids))
    assert not ids or len(ids) == len(book["cells"])


def prove(seeds: range) -> tuple[int, int]:
    """Check the triples of `seeds`; return how many were apart, and how many merged alone."""
    apart = alone = 0
    faults = []
    for seed in seeds:
        triple = a_triple(seed)
        result = merged(triple)
        check_valid(result.tree)
        missing = lost(triple, result.tree)
        if missing:
            faults.append(f"seed {seed} ({triple.styles}) lost {missing}")
        if triple.wanted is not None:
            apart += 1
            fault = wrong(triple, result)
            alone += not fault
            if fault:
                print(f"seed {seed} ({triple.styles}): {fault[:600]}")
    assert not faults, "\n".join(faults)
    return apart, alone


def test_the_triples_differ_and_are_valid_where_people_made_no_second_of_an_id() -> None:
    changed = 0
    for seed in range(60):
        triple = a_triple(seed)
        changed += bool(WORD.search(json.dumps([triple.mine, triple.theirs])))
        for side in (triple.base, triple.mine, triple.theirs):
            if "copy" not in triple.styles:
                check_valid(side)
    assert changed >= 58


def test_nothing_is_lost_in_a_sample_of_triples() -> None:
    apart, alone = prove(range(SAMPLE))
    assert alone >= 0.99 * apart


@pytest.mark.proof
@pytest.mark.skipif(not os.environ.get("MACHINELABS_PROOF"), reason="make proof runs it in full")
def test_nothing_is_lost_in_a_thousand_triples() -> None:
    apart, alone = prove(range(FULL))
    print(f"{FULL} triples, {apart} apart, {alone} of them merged by themselves")
    assert alone >= 0.99 * apart
