"""Generated notebooks, updated and undone in a real store: the very bytes come back."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.labs.test_labs import ADA, BOB
from tests.support.content import tar_of
from tests.support.many_labs import tools_of
from tests.support.notebook_edits import Json
from tests.support.triples import a_triple, words_of

from machinelabs_hub.db import migrate
from machinelabs_hub.labs.models.lab import Lab, LabDraft, Visibility
from machinelabs_hub.labs.services.forks import ForkService
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.updates import UpdateService
from machinelabs_hub.settings import Database, Limits, Settings
from machinelabs_hub.sites import database_url

FULL = 1_000
SAMPLE = 30
FAST = {"publishes_per_hour": 1_000_000, "labs_per_person": 10_000, "requests_per_minute": 10_000}


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Tools]:
    settings = Settings(data=tmp_path, limits=Limits(**FAST), database=Database(durable=False))
    migrate.upgrade(database_url(settings))
    made = tools_of(settings)
    yield made
    made.close()


def files_of(book: Json) -> dict[str, bytes]:
    return {"main.ipynb": json.dumps(book).encode(), "README.md": b"# A lab\n"}


def revise(tools: Tools, lab: Lab, book: Json) -> None:
    person = ADA if lab.owner == "ada" else BOB
    RevisionService(tools=tools, viewer=person).publish(
        lab.owner, lab.name, base=None, message="", files=tar_of(files_of(book))
    )


def prove(tools: Tools, seed: int) -> bool:
    """Update and undo one triple; return whether there was something to update."""
    triple = a_triple(seed)
    draft = LabDraft(title="T", name=f"t{seed}", visibility=Visibility.PUBLIC)
    original = LabService(tools=tools, viewer=ADA).publish(draft, tar_of(files_of(triple.base)))
    fork, _ = ForkService(tools=tools, viewer=BOB).fork("ada", original.name)
    revise(tools, original, triple.theirs)
    revise(tools, fork, triple.mine)
    if LabService(tools=tools, viewer=ADA).get("ada", original.name).revision == 1:
        return False
    updates = UpdateService(tools=tools, viewer=BOB)
    revisions = RevisionService(tools=tools, viewer=BOB)
    before = LabService(tools=tools, viewer=BOB).get("bob", fork.name)
    made, _ = updates.apply("bob", fork.name)
    lab = LabService(tools=tools, viewer=BOB).get("bob", fork.name)
    merged = json.loads(revisions.read(lab, made.number, "main.ipynb"))
    assert words_of(triple.mine) | words_of(triple.theirs) <= words_of(merged), seed
    undone = updates.undo("bob", fork.name)
    lab = LabService(tools=tools, viewer=BOB).get("bob", fork.name)
    was = revisions.read(lab, before.revision, "main.ipynb")
    assert revisions.read(lab, undone.number, "main.ipynb") == was, seed
    trees = {
        tools.repos.files_id(lab.store, revisions.find(lab, number).commit)
        for number in (before.revision, undone.number)
    }
    assert len(trees) == 1, seed
    return True


def test_a_sample_of_updates_is_undone_byte_for_byte(tools: Tools) -> None:
    assert sum(prove(tools, seed) for seed in range(SAMPLE)) > SAMPLE // 2


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not os.environ.get("MACHINELABS_PROOF"), reason="make proof runs it in full")
def test_a_thousand_updates_are_undone_byte_for_byte(tools: Tools) -> None:
    done = sum(prove(tools, seed) for seed in range(FULL))
    print(f"{FULL} triples, {done} of them updated and undone")
