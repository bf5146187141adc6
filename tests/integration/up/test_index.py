"""`machinelabs-hub check` on the labs of a site: it tells what differs and repairs it."""

from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.support.many_labs import publish_many, tools_of

from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files
from machinelabs_hub.up import index, lock
from machinelabs_hub.up.findings import Finding, Level


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A site that stands still, with ten labs."""
    found = Settings(data=tmp_path)
    Files(tmp_path).run.mkdir()
    tools = tools_of(found)
    publish_many(tools, 10)
    tools.close()
    return found


def test_a_whole_index_is_well(settings: Settings) -> None:
    said = "10 labs with 10 revisions: index and stores agree."
    assert list(index.compared(settings)) == [Finding(Level.OK, "labs", said)]


def test_a_lost_row_is_told_and_comes_back(settings: Settings) -> None:
    tools = tools_of(settings)
    (lab,) = tools.labs.all_of("person-03")
    with tools.sessions() as db:
        db.execute(delete(LabRow).where(LabRow.id == lab.id))
    tools.close()
    found = list(index.compared(settings))
    assert [finding.level for finding in found] == [Level.BAD, Level.BAD]
    assert found[0].sentence == f"{lab.path} is in its store, but not in the index."
    assert "machinelabs-hub check --repair" in found[1].sentence
    done = list(index.repaired(settings))
    assert done == [Finding(Level.OK, "repair", f"{lab.path} is in the index again.")]
    assert [finding.level for finding in index.compared(settings)] == [Level.OK]
    nothing = Finding(Level.OK, "repair", "There was nothing to repair.")
    assert list(index.repaired(settings)) == [nothing]


def test_what_a_kill_cut_off_is_told_until_it_is_settled(settings: Settings) -> None:
    tools = tools_of(settings)
    (lab,) = tools.labs.all_of("person-03")
    tools.repos.begin(lab.store, lab.uid)
    tools.close()
    found = list(index.compared(settings))
    assert [finding.level for finding in found] == [Level.WARN, Level.OK]
    assert list(index.repaired(settings)) == [
        Finding(Level.OK, "repair", "Settled 1 acts that were cut off by a kill.")
    ]
    assert [finding.level for finding in index.compared(settings)] == [Level.OK]


def test_a_site_that_runs_is_not_repaired(settings: Settings) -> None:
    with lock.only_one(Files(settings.data)):
        assert index.is_running(settings)
        with pytest.raises(MachineLabsError, match="Stop it, then repair"):
            list(index.repaired(settings))
        assert [finding.level for finding in index.compared(settings)] == [Level.OK]


def test_a_site_without_labs_is_well(tmp_path: Path) -> None:
    Files(tmp_path).run.mkdir()
    assert [it.level for it in index.compared(Settings(data=tmp_path))] == [Level.OK]
    assert not Files(tmp_path).database.exists()
