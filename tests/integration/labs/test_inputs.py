"""What the site fetches for runs: one download for all who want it, bounded, and never inside."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from tests.support.waiting import wait_until
from tests.support.web import Web, web

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import Sessions, open_engine, session_maker
from machinelabs_hub.db.tables.inputs import FetchedRow
from machinelabs_hub.labs.models.inputs import Fetched
from machinelabs_hub.labs.models.reach import Reach
from machinelabs_hub.labs.outside import InputNotAllowed, Outside
from machinelabs_hub.labs.services import download
from machinelabs_hub.labs.services import inputs as desks
from machinelabs_hub.labs.services.inputs import InputDesk, InputState, Standing
from machinelabs_hub.labs.storage.blobs import BlobStore
from machinelabs_hub.labs.storage.fetched import FetchedStore
from machinelabs_hub.run_settings import Inputs

KIB = 1024

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def host() -> Iterator[Web]:
    with web() as one:
        yield one


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    url = f"sqlite:///{tmp_path_factory.mktemp('labs') / 'machinelabs.sqlite'}"
    migrate.upgrade(url)
    engine = open_engine(url)
    yield session_maker(engine)
    engine.dispose()


@pytest.fixture
def store(sessions: Sessions, tmp_path: Path) -> FetchedStore:
    """A cache of 100 KiB, empty."""
    with sessions() as db:
        db.execute(delete(FetchedRow))
    return FetchedStore(
        sessions=sessions,
        contents=BlobStore(folder=tmp_path / "inputs", durable=False),
        most_bytes=100 * KIB,
    )


def desk(store: FetchedStore, host: Web, **settings: Any) -> InputDesk:
    return InputDesk(
        outside=Outside(Reach((), (host.host,))),
        store=store,
        settings=Inputs(**settings),
        clock=lambda: datetime.now(UTC),
    )


def settled(one: InputDesk, url: str, asked: str = "") -> Standing:
    """Ask until there is an end."""
    found = Standing(InputState.FETCHING)

    def there() -> bool:
        nonlocal found
        found = one.ask(url, asked)
        return found.state is not InputState.FETCHING

    wait_until(there, seconds=30, what=f"{url} is here or refused")
    return found


def put(store: FetchedStore, url: str, size: int, at: datetime, fill: bytes = b"") -> str:
    content = (fill or url.encode()) * size
    content = content[:size]
    with store.writing() as writer:
        assert store.reserve(writer, size)
        writer.write(content)
        store.keep(url, writer, Fetched(writer.sha256, size, "", "", at))
    return hashlib.sha256(content).hexdigest()


def test_many_who_want_the_same_at_once_cost_one_download(store: FetchedStore, host: Web) -> None:
    url = host.put("/many", b"m" * 50_000, seconds=2)
    one = desk(store, host)
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: settled(one, url), range(20)))
    assert {standing.state for standing in found} == {InputState.READY}
    assert host.times("/many") == 1
    assert store.kept().size == 50_000


def test_the_cache_never_holds_more_than_it_may(
    store: FetchedStore, host: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "REST_SECONDS", 2.0)
    urls = [host.put(f"/bound/{at}", bytes([at]) * 40 * KIB, seconds=0.5) for at in range(5)]
    one = desk(store, host, at_once=2)
    most = 0
    ends = threading.Event()

    def look() -> None:
        nonlocal most
        folder = store._contents._aside.parent
        while not ends.is_set():
            sizes = []
            for path in folder.rglob("*"):
                try:
                    sizes.append(path.stat().st_size if path.is_file() else 0)
                except FileNotFoundError:
                    continue
            most = max(most, sum(sizes))
            time.sleep(0.01)

    looking = threading.Thread(target=look)
    looking.start()
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda url: settled(one, url), urls))
    ends.set()
    looking.join()
    assert {standing.state for standing in found} == {InputState.READY}
    assert store.kept().size <= 100 * KIB
    assert 40 * KIB < most <= 100 * KIB


def test_what_was_asked_for_longest_ago_goes_first(store: FetchedStore) -> None:
    began = datetime(2026, 11, 21, tzinfo=UTC)
    for at, name in enumerate(("a", "b", "c")):
        put(store, name, 30 * KIB, began + timedelta(minutes=at))
    store.use("a", began + timedelta(hours=1))
    put(store, "d", 30 * KIB, began + timedelta(hours=2))
    assert [name for name in "abcd" if store.find(name)] == ["a", "c", "d"]


def test_a_content_of_two_addresses_is_kept_once_and_as_long_as_one_of_them(
    store: FetchedStore,
) -> None:
    began = datetime(2026, 11, 21, tzinfo=UTC)
    sha256 = put(store, "one", 40 * KIB, began, b"same")
    assert put(store, "two", 40 * KIB, began + timedelta(minutes=1), b"same") == sha256
    assert (store.kept().files, store.kept().size) == (1, 40 * KIB)
    put(store, "three", 40 * KIB, began + timedelta(minutes=2))
    assert store.find("one")
    assert store.has(sha256, 40 * KIB)
    put(store, "four", 50 * KIB, began + timedelta(minutes=3))
    assert not store.has(sha256, 40 * KIB)
    assert store.kept().size == 90 * KIB


def test_a_digest_alone_opens_nothing(store: FetchedStore, host: Web) -> None:
    secret = b"behind an address that few know"
    one = desk(store, host)
    known = settled(one, host.put("/secret-address", secret))
    assert known.sha256 == hashlib.sha256(secret).hexdigest()
    other = settled(one, host.put("/empty"), known.sha256)
    assert other.refusal is not None
    assert other.refusal.code == "input_wrong_hash"


def test_what_somebody_is_about_to_read_does_not_go(store: FetchedStore) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    put(store, "old", 30 * KIB, now - timedelta(hours=1))
    put(store, "new", 30 * KIB, now)
    with store.writing() as content:
        assert not store.reserve(content, 71 * KIB, rested=now)
        assert store.find("old")
        assert store.reserve(content, 70 * KIB, rested=now)
    assert store.find("old") is None
    assert store.find("new")


def test_what_finds_no_room_is_refused_and_nothing_goes_for_it(
    store: FetchedStore, host: Web
) -> None:
    put(store, "stays", 30 * KIB, datetime.now(UTC))
    found = settled(desk(store, host), host.put("/large", bytes(101 * KIB)))
    assert found.refusal is not None
    assert found.refusal.code == "input_too_large"
    assert store.find("stays")


def test_a_killed_service_leaves_nothing_half_done(store: FetchedStore, tmp_path: Path) -> None:
    sha256 = put(store, "kept", 10, datetime.now(UTC))
    folder = tmp_path / "inputs"
    (folder / "new" / "half").write_bytes(b"half")
    (folder / "ab").mkdir(exist_ok=True)
    (folder / "ab" / ("c" * 62)).write_bytes(b"without a row")
    assert store.settle() == 1
    assert [path for path in folder.rglob("*") if path.is_file()] == [
        folder / sha256[:2] / sha256[2:]
    ]
    (folder / sha256[:2] / sha256[2:]).unlink()
    assert store.find("kept") is None


def test_what_nobody_waits_for_any_more_is_given_up(
    store: FetchedStore, host: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "WANTED_SECONDS", 0.5)
    one = desk(store, host, at_once=1)
    one.ask(host.put("/forgotten", b"x" * 5000, seconds=60), "")
    # The only slot is free again, long before that would have come.
    assert settled(one, host.put("/next", b"next")).state is InputState.READY


def test_a_name_of_the_inside_network_is_not_reached(host: Web) -> None:
    # No host is asked: this is refused by what the name means.
    with (
        pytest.raises(InputNotAllowed, match="inside network"),
        Outside(Reach()).get(f"http://localhost:{host.port}/", {}),
    ):
        pass
    assert host.times("/") == 0


def test_a_name_that_means_another_address_the_next_moment_is_not_followed(
    host: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, said = socket.getaddrinfo, iter(["127.0.0.1", "93.184.216.34"])
    asked = []

    def rebinds(name: Any, port: Any, *args: Any, **options: Any) -> Any:
        if name != "rebinds.example":
            return real(name, port, *args, **options)
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(said), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinds)
    with (
        pytest.raises(InputNotAllowed, match="inside network"),
        Outside(Reach()).get(f"http://rebinds.example:{host.port}/", {}),
    ):
        pass
    # It was resolved once: the address that was checked is the one that would be connected to.
    assert asked == ["rebinds.example"]


def test_a_host_that_the_site_does_not_name_is_not_resolved(
    host: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    for url in ("https://example.org/x", "http://127.0.0.1:1/", "http://[::1]/"):
        with pytest.raises(InputNotAllowed, match="does not allow that host"):
            Outside(Reach((), (host.host,))).check(url)


def test_a_secret_in_an_address_is_in_no_sentence(store: FetchedStore, host: Web) -> None:
    found = settled(desk(store, host), host.put("/gone", statuses=[403]) + "?token=abc123")
    assert "abc123" not in str(found.refusal)
    assert "403 Forbidden" in str(found.refusal)
