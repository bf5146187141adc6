"""How much people keep in datasets, and what upkeep knows of them: on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import event
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, BOB, publish
from tests.support.datasets import sha256, stored
from tests.support.postgres import Postgres

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.gpu_settings import Plans
from machinelabs_hub.labs.models.dataset import (
    Dataset,
    DatasetDraft,
    DatasetFile,
    DatasetQuery,
    Upload,
)
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import datasets, people, run_upkeep
from machinelabs_hub.labs.services.dataset_uploads import TooManyUploads
from machinelabs_hub.labs.services.dataset_versions import TooManyVersions
from machinelabs_hub.labs.services.datasets import DatasetNameTaken, NoDataset, TooManyDatasets
from machinelabs_hub.labs.services.rates import Rate, TooMany
from machinelabs_hub.labs.services.room import GIB, StorageFull, held_by
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.dataset_versions import NewVersion
from machinelabs_hub.labs.storage.datasets import DatasetTable

VIC = Person("vic", "Vic", groups=("vision",))


def test_each_content_of_a_dataset_counts_once_for_who_uploaded_it(
    tools: Tools, viewed_by: As
) -> None:
    files = {"a": b"x" * 100, "b": b"x" * 100, "c": b"y" * 10}
    made = stored(tools, VIC, "digits", files, {**files, "d": b"z"}, owner="@vision")
    assert held_by(tools, "vic") == 111
    assert held_by(tools, "@vision") == 0
    stored(tools, VIC, "again", {"a": b"x" * 100})
    assert held_by(tools, "vic") == 211
    publish(viewed_by, VIC, files={"a.txt": b"12345"})
    assert held_by(tools, "vic") == 216
    upload = viewed_by(VIC).dataset_uploads.begin(
        "vic", "again", "", [DatasetFile("new", 1000, "0" * 64)]
    )
    assert held_by(tools, "vic") == 1216
    viewed_by(VIC).dataset_uploads.give_up(upload)
    viewed_by(VIC).datasets.delete("@vision", "digits")
    assert held_by(tools, "vic") == 105
    assert tools.dataset_versions.known([sha256(b"z"), "0" * 64]) == {sha256(b"z")}
    assert {path for path, _, _ in tools.dataset_versions.all()} >= {f"{made.path}@v2: d"}


def tight_tools(tools: Tools) -> Tools:
    """Return tools of a site where everybody may keep one GiB."""
    plan = Plans.model_validate(
        {
            "table": [{"name": "small", "title": "Small", "storage_gib": 1}],
            "default": "small",
            "admins": "small",
        }
    )
    return replace(tools, settings=tools.settings.model_copy(update={"plans": plan}))


def added(tools: Tools, dataset: Dataset, author: str, *files: DatasetFile) -> None:
    """Add a version of which only the rows are there."""
    tools.dataset_versions.add(dataset, NewVersion(author, "", files, tools.clock()))


def test_a_content_counts_for_who_brought_it_into_a_dataset_first(tools: Tools) -> None:
    made = stored(tools, ADA, "digits")
    first, second = DatasetFile("a", 100, "a" * 64), DatasetFile("b", 10, "b" * 64)
    added(tools, made, "ada", first)
    added(tools, made, "bob", first, second)
    added(tools, made, "ada", first, second)
    assert (held_by(tools, "ada"), held_by(tools, "bob")) == (100, 10)
    assert tools.dataset_versions.brought_by("bob", made) == 10
    third = DatasetFile("c", 1, "c" * 64)
    tools.dataset_uploads.add(
        Upload("1" * 32, made.id, "bob", "", tools.clock()),
        [replace(first, is_here=True), second, third],
    )
    assert held_by(tools, "bob") == 11
    tools.dataset_uploads.set_here(Upload("1" * 32, made.id, "bob", "", tools.clock()), "c" * 64)
    assert held_by(tools, "bob") == 11


def test_what_comes_back_from_the_trash_needs_room(tools: Tools, viewed_by: As) -> None:
    tight = tight_tools(tools)
    mine = replace(viewed_by(ADA), tools=tight)
    for name in ("first", "second"):
        made = stored(tight, ADA, name)
        added(tight, made, "ada", DatasetFile("a", GIB * 6 // 10, name[0] * 64))
        mine.datasets.delete("ada", name)
    assert mine.datasets.restore("ada", "first").name == "first"
    with pytest.raises(StorageFull, match=r"This needs 0\.6 GiB"):
        mine.datasets.restore("ada", "second")
    assert [one.name for one in mine.datasets.trashed()] == ["second"]
    mine.datasets.delete("ada", "first")
    assert mine.datasets.restore("ada", "second").name == "second"


def test_a_lab_that_comes_back_from_the_trash_needs_room(tools: Tools, viewed_by: As) -> None:
    lab = publish(viewed_by, ADA, files={"a.txt": b"12345"})
    tight = tight_tools(tools)
    mine = replace(viewed_by(ADA), tools=tight)
    mine.labs.delete("ada", lab.name)
    made = stored(tight, ADA, "large")
    added(tight, made, "ada", DatasetFile("a", GIB - 4, "a" * 64))
    with pytest.raises(StorageFull):
        mine.trash.restore("ada", lab.name)
    mine.datasets.delete("ada", "large")
    assert mine.trash.restore("ada", lab.name).name == lab.name


def test_a_plan_bounds_what_is_uploaded(tools: Tools, viewed_by: As) -> None:
    tight = tight_tools(tools)
    stored(tight, ADA, "digits", {"a": b"x"})
    uploads = replace(viewed_by(ADA), tools=tight).dataset_uploads
    with pytest.raises(StorageFull, match=r"This needs 1\.0 GiB"):
        uploads.begin("ada", "digits", "", [DatasetFile("b", GIB, "0" * 64)])
    uploads.begin("ada", "digits", "", [DatasetFile("b", GIB // 2, "0" * 64)])
    with pytest.raises(StorageFull):
        uploads.begin("ada", "digits", "", [DatasetFile("c", GIB // 2, "1" * 64)])


def test_only_so_many_uploads_are_open(tools: Tools, viewed_by: As) -> None:
    stored(tools, ADA, "digits", {"a": b"x"})
    uploads = viewed_by(ADA).dataset_uploads
    for number in range(tools.settings.datasets.uploads):
        uploads.begin("ada", "digits", "", [DatasetFile("b", 1, f"{number:064x}")])
    stored(tools, ADA, "letters")
    with pytest.raises(
        TooManyUploads, match="give some up on the page “New version” of ada/digits"
    ):
        uploads.begin("ada", "digits", "", [DatasetFile("b", 1, "f" * 64)])


def test_a_dataset_has_only_so_many_versions(tools: Tools, viewed_by: As) -> None:
    datasets = tools.settings.datasets.model_copy(update={"versions": 2})
    few = replace(tools, settings=tools.settings.model_copy(update={"datasets": datasets}))
    stored(few, ADA, "digits", {"a": b"x"}, {"a": b"y"})
    uploads = replace(viewed_by(ADA), tools=few).dataset_uploads
    with pytest.raises(
        TooManyVersions, match="ada/digits has as many versions as a dataset may have: 2"
    ):
        uploads.begin("ada", "digits", "", [DatasetFile("a", 1, "0" * 64)])


def test_versions_are_made_only_so_often(tools: Tools, viewed_by: As) -> None:
    stored(tools, ADA, "digits", {"a": b"x"})
    rare = replace(tools, publishes=Rate(count=2, seconds=3600))
    uploads = replace(viewed_by(ADA), tools=rare).dataset_uploads
    for number in range(2):
        uploads.give_up(uploads.begin("ada", "digits", "", [DatasetFile("a", 1, f"{number:064x}")]))
    with pytest.raises(TooMany):
        uploads.begin("ada", "digits", "", [DatasetFile("a", 1, "0" * 64)])


def test_each_content_is_looked_for_once_and_by_no_upload(
    tools: Tools, viewed_by: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(tools, ADA, "digits", {"a": b"x", "b": b"x", "c": b"y"}, {"a": b"x", "d": b"y"})
    asked: list[str] = []

    def has(sha: str, size: int) -> bool:
        asked.append(sha)
        return size < 0

    monkeypatch.setattr(tools.blobs, "has", has)
    said = [DatasetFile("e", 1, sha256(b"x")), DatasetFile("f", 1, sha256(b"z"))]
    begun = viewed_by(ADA).dataset_uploads.begin("ada", "digits", "", said)
    assert [one.is_here for one in viewed_by(ADA).dataset_uploads.files(begun)] == [True, False]
    assert asked == []
    count, lost = run_upkeep.missing(tools)
    assert (count, len(lost)) == (5, 5)
    assert sorted(asked) == sorted([sha256(b"x"), sha256(b"y")])


def test_an_owner_has_only_so_many_datasets(
    tools: Tools, viewed_by: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "MOST", 2)
    stored(tools, ADA, "one")
    stored(tools, ADA, "two")
    with pytest.raises(TooManyDatasets, match=r"the most that may be\. Delete some"):
        stored(tools, ADA, "three")
    viewed_by(ADA).datasets.delete("ada", "one")
    stored(tools, ADA, "three")
    stored(tools, BOB, "one")


def test_names_are_an_owners_own_and_free_again_in_the_trash(tools: Tools, viewed_by: As) -> None:
    stored(tools, ADA, "digits", {"a": b"x"})
    with pytest.raises(DatasetNameTaken):
        stored(tools, ADA, "digits")
    stored(tools, BOB, "digits")
    with pytest.raises(NotAllowed):
        viewed_by(BOB).datasets.make(DatasetDraft(name="x", owner="@vision"))
    mine = viewed_by(ADA).datasets
    mine.delete("ada", "digits")
    stored(tools, ADA, "digits")
    with pytest.raises(DatasetNameTaken):
        mine.restore("ada", "digits")


def test_an_account_that_goes_takes_its_datasets_and_memberships_along(
    tools: Tools, viewed_by: As
) -> None:
    stored(tools, ADA, "digits", {"a": b"x"}, visibility=Visibility.PUBLIC)
    root = Person("root", "Root", admin=True)
    viewed_by(ADA).dataset_uploads.begin("ada", "digits", "", [DatasetFile("b", 1, "0" * 64)])
    stored(tools, BOB, "others")
    viewed_by(BOB).dataset_uploads.begin("bob", "others", "", [DatasetFile("b", 1, "0" * 64)])
    viewed_by(root).people.remove("ada", people.LabsOfLeaver.TRASH)
    with pytest.raises(NoDataset):
        viewed_by(None).datasets.get("ada", "digits")
    assert viewed_by(None).datasets.list(DatasetQuery()).items == ()
    assert tools.dataset_uploads.count_of("ada") == 0
    assert tools.dataset_uploads.count_of("bob") == 1
    late = tools.clock() + timedelta(days=31)
    assert tools.datasets.purge(late) == 1
    assert run_upkeep.tend(tools, unused=-10).blobs == 1


@pytest.mark.postgres
def test_a_dataset_that_is_restored_while_the_trash_is_emptied_stays(
    postgres_server: Postgres, postgres_ready: str
) -> None:
    engine = open_engine(postgres_server.new_database(like=postgres_ready))
    table = DatasetTable(sessions=session_maker(engine))
    now = datetime.now(UTC)
    made = table.add(DatasetDraft(name="digits", owner="ada", title="Digits"), 0, now)
    table.set_trashed(made, now - timedelta(days=31))
    threads = [Thread(target=table.set_trashed, args=(made, None))]

    @event.listens_for(engine, "before_cursor_execute")
    def restore(*said: Any) -> None:
        if said[2].startswith("DELETE FROM datasets") and threads:
            thread = threads.pop()
            thread.start()
            thread.join()

    assert table.purge(now - timedelta(days=30)) == 0
    assert table.find("ada", "digits") is not None
    engine.dispose()
