"""Stores are packed, and lose only what nothing leads to and nobody wrote lately."""

import os
import subprocess
import time
from pathlib import Path

from tests.integration.labs.conftest import As
from tests.support.many_labs import notebook, tar_of

from machinelabs_hub.labs.models.lab import Lab, LabDraft, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import upkeep
from machinelabs_hub.labs.services.reindex import compare
from machinelabs_hub.labs.services.tools import Tools

ADA, BOB = Person("ada", "Ada"), Person("bob", "Bob")
DAYS = 24 * 3600
ALWAYS = -1


def store_of(tools: Tools, lab: Lab) -> Path:
    with tools.repos.reading(lab.store) as (_, path):
        return path


def blocks(path: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in path.rglob("*"))


def a_lab_with_history(viewed_by: As, revisions: int = 30) -> Lab:
    lab = viewed_by(ADA).labs.publish(
        LabDraft(title="Digits", visibility=Visibility.PUBLIC),
        tar_of({"main.ipynb": notebook(kilobytes=50)}),
    )
    for number in range(revisions):
        files = {"main.ipynb": notebook(f"print({number})", kilobytes=50)}
        viewed_by(ADA).revisions.publish(
            "ada", "digits", base=None, message="", files=tar_of(files)
        )
    return lab


def test_a_store_of_many_revisions_is_packed_and_reads_the_same(
    tools: Tools, viewed_by: As
) -> None:
    lab = a_lab_with_history(viewed_by)
    viewed_by(BOB).forks.fork("ada", "digits")
    before = blocks(store_of(tools, lab))
    done = upkeep.tend(tools, most_loose=ALWAYS)
    assert done.packed == 1
    assert blocks(store_of(tools, lab)) < before / 10
    assert compare(tools).faults == []
    lab = viewed_by(None).labs.get("ada", "digits")
    for number in range(2, lab.revision + 1):
        expected = notebook(f"print({number - 2})", kilobytes=50)
        assert viewed_by(ADA).revisions.read(lab, number, "main.ipynb") == expected
    fork = viewed_by(BOB).labs.get("bob", "digits")
    assert viewed_by(BOB).revisions.read(fork, 1, "main.ipynb") == expected
    assert not upkeep.tend(tools)


def test_only_what_is_old_and_led_to_by_nothing_goes(tools: Tools, viewed_by: As) -> None:
    lab = a_lab_with_history(viewed_by, revisions=3)
    path = store_of(tools, lab)
    old, young = (write(path, text) for text in (b"nobody's, old", b"nobody's, young"))
    kept = tools.repos.manifest(lab.store, tools.revisions.all_of(lab)[0].commit)[0].blob
    for oid in (old, kept):
        long_ago = time.time() - 3 * DAYS
        os.utime(path / "objects" / oid[:2] / oid[2:], (long_ago, long_ago))
    done = upkeep.tend(tools, most_loose=ALWAYS)
    assert (done.packed, done.pruned) == (1, 1)
    assert not has(path, old)
    assert has(path, young)
    assert has(path, kept)


def test_a_store_that_is_written_to_or_differs_from_the_index_is_left_alone(
    tools: Tools, viewed_by: As
) -> None:
    lab = a_lab_with_history(viewed_by, revisions=3)
    tools.repos.begin(lab.store, lab.uid)
    assert upkeep.tend(tools, most_loose=ALWAYS).packed == 0
    tools.repos.end(lab.store, lab.uid)
    tools.repos.move(lab.store, lab.uid, tools.revisions.all_of(lab)[-1].commit)
    assert upkeep.tend(tools, most_loose=ALWAYS).packed == 0


def test_an_export_that_nobody_uses_is_dropped_and_made_anew(tools: Tools, viewed_by: As) -> None:
    lab = a_lab_with_history(viewed_by, revisions=3)
    export = viewed_by(None).git.to_fetch("ada", "digits")
    refs = (export / "packed-refs").read_text()
    assert upkeep.tend(tools, most_loose=10**6).dropped == 0
    long_ago = time.time() - 8 * DAYS
    os.utime(export / "used", (long_ago, long_ago))
    assert upkeep.tend(tools, most_loose=10**6).dropped == 1
    assert not export.exists()
    viewed_by(None).git.to_fetch("ada", "digits")
    assert (export / "packed-refs").read_text() == refs
    assert lab.uid in str(export)


def write(path: Path, content: bytes) -> str:
    made = subprocess.run(
        ["git", "--git-dir", str(path), "hash-object", "-w", "--stdin"],
        input=content,
        capture_output=True,
        check=True,
    )
    return made.stdout.decode().strip()


def has(path: Path, oid: str) -> bool:
    asked = ["git", "--git-dir", str(path), "cat-file", "-e", oid]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
