"""A server that hears from its site: notices, the last of them, and *Keep it*."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.notebook_server import NotebookServer, environment, notebook_server
from tests.support.notebook_tab import COUNTS, Tab, lines
from tests.support.site import Site
from tests.support.waiting import wait_until

from machinelabs_hub.db.engine import Sessions, open_engine, session_maker
from machinelabs_hub.db.tables.orders import KeepRow
from machinelabs_hub.plans.model import Notice
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.sites import database_url

pytestmark = pytest.mark.engine

PERSON, SERVER = "notice-ann", "second"
KIND = "test"
"""Of another kind the Hub, which sees no such server, would end the notice."""


@pytest.fixture
def sessions(site: Site) -> Iterator[Sessions]:
    """The database, as the Hub has it."""
    engine = open_engine(database_url(site.settings))
    yield session_maker(engine)
    engine.dispose()


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Iterator[NotebookServer]:
    given = environment(site, PERSON, JUPYTERHUB_SERVER_NAME=SERVER)
    with notebook_server(tmp_path / "ann", **given) as server:
        yield server


def test_before_the_stop_all_is_written_and_then_confirmed(
    sessions: Sessions, server: NotebookServer
) -> None:
    now, notices = datetime.now(UTC), NoticeTable(sessions=sessions)
    told = Notice("ann-1", PERSON, SERVER, KIND, "It ends soon.", now, now + timedelta(hours=1))
    other = Notice("ann-2", PERSON, "", KIND, "Another server's.", now)
    for notice in (told, other):
        notices.put(notice)
    tab = Tab(server, "a.ipynb", COUNTS)
    tab.hear(tab.run(0, COUNTS), "line 2\n")
    tab.socket.close()
    wait_until(lambda: server.get("notices")["items"], seconds=120, what="the server hears of it")
    (shown,) = server.get("notices")["items"]
    assert (shown["sentence"], shown["may_keep"]) == ("It ends soon.", False)
    assert 3000 < shown["seconds_left"] <= 3600
    assert not notices.is_confirmed(told)

    final = notices.make_final(told, datetime.now(UTC))
    wait_until(lambda: notices.is_confirmed(final), seconds=60, what="the server confirms")
    found = lines(tab.text())
    assert found == list(range(len(found)))
    assert len(found) > 20
    assert server.get("notices")["final"] == "ann-1"
    # It waits for the stop, and says nothing of the other server.
    assert not notices.is_confirmed(other)
    notices.end(final, datetime.now(UTC))


def test_a_window_that_is_open_is_waited_for(sessions: Sessions, server: NotebookServer) -> None:
    notices = NoticeTable(sessions=sessions)
    final = Notice("ann-3", PERSON, SERVER, KIND, "Now.", datetime.now(UTC))
    server.get("notices", window="w1")
    notices.make_final(final, datetime.now(UTC))
    wait_until(
        lambda: server.get("notices", window="w1")["final"] == "ann-3",
        seconds=120,
        what="it is final",
    )
    assert not notices.is_confirmed(final)
    server.post("notices/saved", {"window": "w1"})
    wait_until(lambda: notices.is_confirmed(final), seconds=60, what="the server confirms")
    notices.end(final, datetime.now(UTC))


def test_keep_it_reaches_the_site(sessions: Sessions, server: NotebookServer) -> None:
    before = datetime.now(UTC)
    server.post("notices/keep", {})
    with sessions() as db:
        row = db.get(KeepRow, (PERSON, SERVER))
        assert row is not None
        assert row.at >= before - timedelta(seconds=1)
