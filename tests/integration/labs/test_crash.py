"""A killed process, a full disk, a lost index: nothing that was answered is lost."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update
from tests.integration.labs.conftest import As
from tests.support.many_labs import notebook, publish_many, tar_of, tools_of

from machinelabs_hub.db.engine import DiskFull, open_engine
from machinelabs_hub.db.tables.labs import LabRow, RevisionRow
from machinelabs_hub.labs.models.lab import Lab, LabChange, LabDraft, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.forks import ForkService
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.reindex import compare, reindex, settle
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
ADA, BOB = Person("ada", "Ada"), Person("bob", "Bob")
KILLS = 4


def test_what_was_answered_outlives_kills(settings: Settings) -> None:
    dice = random.Random(7)  # noqa: S311 - for variety
    answered = 1
    for _ in range(KILLS):
        answered = max(answered, publish_and_kill(settings, dice.uniform(0.0, 0.4)))
        check_whole(settings, answered)


def publish_and_kill(settings: Settings, seconds: float) -> int:
    """Let a process publish, kill it in the middle, return the last number it gave out."""
    words = ["-m", "tests.integration.labs.crash", str(settings.data), settings.database.url]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return max(int(line) for line in [first, *process.stdout] if line.endswith(b"\n"))


def check_whole(settings: Settings, answered: int) -> None:
    tools = tools_of(settings)
    settle(tools)
    lab = LabService(tools=tools, viewer=None).get("ada", "digits")
    revisions = RevisionService(tools=tools, viewer=None)
    assert lab.revision >= answered
    for revision in revisions.list(lab, limit=1000).items:
        assert revisions.read(lab, revision.number, "n.txt") == str(revision.number).encode()
    assert compare(tools).faults == []
    tools.close()


def test_stale_locks_are_cleared_at_start(tools: Tools, viewed_by: As) -> None:
    lab = viewed_by(ADA).labs.publish(LabDraft(title="Digits"), tar_of({"a.py": b"1"}))
    labs = tools.settings.data / "labs"
    store = labs / "stores" / lab.store[:2] / f"{lab.store}.git"
    lock = store / "refs" / "labs" / f"{lab.uid}.lock"
    lock.touch()
    (labs / "busy" / f"{lab.store}-0000").touch()
    assert tools.repos.clear_leftovers() == 1
    assert not lock.exists()
    viewed_by(ADA).revisions.publish(
        "ada", "digits", base=1, message="", files=tar_of({"a.py": b"2"})
    )


def test_a_revision_that_was_never_answered_is_taken_back_at_start(
    tools: Tools, viewed_by: As
) -> None:
    """As after a kill between git and SQL: the store is ahead of the index."""
    lab = viewed_by(ADA).labs.publish(LabDraft(title="Digits"), tar_of({"a.py": b"1"}))
    newest = tools.revisions.all_of(lab)[0]
    (stamp,) = [stamp for _, stamp in tools.repos.history(lab.store, lab.uid)]
    entries = tools.repos.manifest(lab.store, newest.commit)
    tools.repos.begin(lab.store, lab.uid)
    tools.repos.commit(lab.store, replace(stamp, number=2), entries, parent=newest.commit)
    assert viewed_by(ADA).labs.get("ada", "digits").revision == 1
    assert compare(tools).faults == []
    assert settle(tools) == 1
    assert numbered(tools, lab.store, lab.uid) == [(newest.commit, 1)]
    assert (compare(tools).faults, tools.repos.begun()) == ([], ())
    made, _ = viewed_by(ADA).revisions.publish(
        "ada", "digits", base=1, message="", files=tar_of({"a.py": b"2"})
    )
    assert [number for _, number in numbered(tools, lab.store, lab.uid)] == [1, 2]
    assert tools.repos.history(lab.store, lab.uid)[-1][0] == made.commit


def test_a_lab_and_a_fork_that_were_never_answered_are_gone_at_start(
    tools: Tools, viewed_by: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = viewed_by(ADA).labs.publish(
        LabDraft(title="Kept", visibility=Visibility.PUBLIC), tar_of({"a.py": b"1"})
    )

    def killed(*_arguments: object) -> None:
        raise KilledHere

    with monkeypatch.context() as patch:
        patch.setattr(tools.labs, "add", killed)
        with pytest.raises(KilledHere):
            viewed_by(BOB).forks.fork("ada", "kept")
        # As a kill leaves it: no handler runs.
        patch.setattr(tools.repos, "drop_store", killed)
        with pytest.raises(KilledHere):
            viewed_by(BOB).labs.publish(LabDraft(title="New"), tar_of({"b.py": b"2"}))
    assert len(tools.repos.labs_in(kept.store)) == 2
    assert len(list(tools.repos.stores())) == 2
    assert compare(tools).faults == []
    assert settle(tools) == 2
    assert tools.repos.labs_in(kept.store) == (kept.uid,)
    assert list(tools.repos.stores()) == [kept.store]
    assert (compare(tools).labs, compare(tools).faults) == (1, [])


def test_a_store_is_there_whole_or_not_at_all(
    tools: Tools, viewed_by: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill while a store is laid out, and after one before anything is in it."""

    def killed(path: str, **_options: object) -> None:
        (Path(path) / "objects").mkdir(parents=True)
        raise KilledHere

    empty = tools.repos.new_store()
    with monkeypatch.context() as patch:
        patch.setattr("machinelabs_hub.labs.storage.repos.pygit2.init_repository", killed)
        with pytest.raises(KilledHere):
            viewed_by(ADA).labs.publish(LabDraft(title="New"), tar_of({"a.py": b"1"}))
    assert compare(tools).faults == []
    settle(tools)
    assert list((tools.settings.data / "labs" / "busy").iterdir()) == []
    assert list(tools.repos.stores()) == [empty]
    assert (compare(tools).faults, reindex(tools).faults) == ([], [])
    assert list(tools.repos.stores()) == []


class KilledHere(Exception):
    """Stands for the moment of a kill."""


def test_what_differs_is_told_and_repaired(tools: Tools, viewed_by: As) -> None:
    labs, revisions = viewed_by(ADA).labs, viewed_by(ADA).revisions
    made = {}
    for title in ("Ahead", "Behind", "Details", "Lost"):
        made[title] = labs.publish(LabDraft(title=title), tar_of({"a.py": title.encode()}))
        revisions.publish("ada", title.lower(), base=1, message="Two", files=tar_of({"a.py": b"2"}))
    before = [everything_of(tools, lab) for lab in made.values()]
    with tools.sessions() as db:
        # As after a database from an older backup.
        ahead = LabRow.id == made["Ahead"].id
        db.execute(delete(RevisionRow).where(RevisionRow.lab_id == made["Ahead"].id, TWO))
        db.execute(update(LabRow).where(ahead).values(revision=1))
        db.execute(delete(LabRow).where(LabRow.id == made["Lost"].id))
        renamed = LabRow.id == made["Details"].id
        db.execute(update(LabRow).where(renamed).values(title="Renamed"))
    behind = made["Behind"]
    tools.repos.move(behind.store, behind.uid, tools.revisions.all_of(behind)[-1].commit)
    told = compare(tools).faults
    assert sorted(told) == [
        "What is kept of ada/details beside its files is another title.",
        "ada/lost is in its store, but not in the index.",
        "r2 of ada/ahead is in its store, but not in the index.",
        "r2 of ada/behind is not in its store as indexed.",
    ]
    assert compare(tools).faults == told
    report = reindex(tools)
    assert (report.restored, len(report.mended), report.faults) == (["ada/lost"], 3, [])
    assert compare(tools).faults == []
    after = [everything_of(tools, lab) for lab in made.values()]
    assert [row for _, row in after] == [row for _, row in before]


TWO = RevisionRow.number == 2


def everything_of(tools: Tools, lab: Lab) -> tuple[str, object]:
    found = tools.labs.get(lab.uid)
    assert found is not None
    return found.path, tools.revisions.all_of(found)


def test_a_lost_store_is_told_and_nothing_is_made_up(tools: Tools, viewed_by: As) -> None:
    lab = viewed_by(ADA).labs.publish(LabDraft(title="Digits"), tar_of({"a.py": b"1"}))
    with tools.repos.reading(lab.store) as (_, path):
        shutil.rmtree(path)
    said = ["ada/digits is in the index, but in no store. Restore its store."]
    assert compare(tools).faults == said
    assert reindex(tools).faults == said


def numbered(tools: Tools, store: str, uid: str) -> list[tuple[str, int]]:
    return [(commit, stamp.number) for commit, stamp in tools.repos.history(store, uid)]


def test_the_index_is_made_anew_from_the_stores(settings: Settings) -> None:
    tools = tools_of(settings)
    publish_many(tools, 30)
    owner = Person("person-00", "")
    LabService(tools=tools, viewer=ADA).publish(
        LabDraft(title="Digits", visibility=Visibility.PRIVATE, tags=("a", "b"), message="First"),
        tar_of({"x.py": b"", "ml.yaml": b"image: base", "README.md": b"zebras"}),
    )
    RevisionService(tools=tools, viewer=ADA).publish(
        "ada", "digits", base=1, message="Second", files=tar_of({"y.ipynb": notebook()})
    )
    first = tools.labs.all_of("person-00")[0]
    ForkService(tools=tools, viewer=ADA).fork("person-00", first.name)
    LabService(tools=tools, viewer=owner).change("person-00", first.name, LabChange(title="New"))
    LabService(tools=tools, viewer=Person("person-01", "")).delete(
        "person-01", tools.labs.all_of("person-01")[0].name
    )
    before = everything(tools)
    tools.close()
    lose_the_index(settings)

    tools = tools_of(settings)
    report = reindex(tools)
    assert (report.labs, report.faults) == (32, [])
    assert everything(tools) == before
    assert reindex(tools).restored == []
    tools.close()


def lose_the_index(settings: Settings) -> None:
    if not settings.database.url:
        for file in settings.data.glob("machinelabs.sqlite*"):
            file.unlink()
        return
    engine = open_engine(settings.database.url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def everything(tools: Tools) -> dict[str, object]:
    owners = ["ada", *(f"person-{number:02d}" for number in range(30))]
    labs = [
        lab for owner in owners for lab in (*tools.labs.all_of(owner), *tools.labs.trashed(owner))
    ]
    return {
        lab.uid: (
            {
                name: getattr(lab, name)
                for name in lab.__slots__
                # A change of details alone moves the row's time, which git does not know.
                if name not in {"id", "updated_at"}
            },
            tools.revisions.all_of(lab),
            tools.labs.texts_of(lab),
        )
        for lab in labs
    }


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_leaves_nothing_half_written(
    small_disk: Path, settings: Settings
) -> None:
    """On PostgreSQL the index is elsewhere; the stores are on the full disk alike."""
    tools = tools_of(Settings(data=small_disk, database=settings.database))
    labs = LabService(tools=tools, viewer=ADA)
    kept = labs.publish(LabDraft(title="Kept"), tar_of({"a.bin": os.urandom(1 << 20)}))
    with pytest.raises(DiskFull, match=r"disk of this site is full, so nothing was saved"):
        labs.publish(LabDraft(title="Big"), tar_of({"b.bin": os.urandom(16 << 20)}))
    with pytest.raises(DiskFull):
        RevisionService(tools=tools, viewer=ADA).publish(
            "ada", "kept", base=1, message="", files=tar_of({"b.bin": os.urandom(16 << 20)})
        )
    assert tools.labs.names_of("ada") == {"kept"}
    assert len(list(tools.repos.stores())) == 1
    assert shutil.disk_usage(small_disk).free > (6 << 20)
    assert labs.get("ada", "kept") == kept
    assert len(RevisionService(tools=tools, viewer=ADA).read(kept, 1, "a.bin")) == 1 << 20
    tools.close()
