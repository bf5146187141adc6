"""What the services work with: made once for a process, handed to every request."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from weakref import WeakValueDictionary

from machinelabs_hub.catalog.load import load as load_catalog
from machinelabs_hub.catalog.load import read_builds
from machinelabs_hub.catalog.model import Catalog
from machinelabs_hub.db.engine import Sessions, open_engine, session_maker
from machinelabs_hub.gpu.sampling import SamplerClient
from machinelabs_hub.gpu_settings import Plan
from machinelabs_hub.labs.models.gpus import GpuUse
from machinelabs_hub.labs.models.person import Standing
from machinelabs_hub.labs.models.reach import Reach
from machinelabs_hub.labs.outside import Outside
from machinelabs_hub.labs.services.bells import Bells
from machinelabs_hub.labs.services.contacts import Contacts
from machinelabs_hub.labs.services.door_keys import DoorKeys
from machinelabs_hub.labs.services.inputs import InputDesk
from machinelabs_hub.labs.services.rates import Rate
from machinelabs_hub.labs.services.run_logs import RunLogs
from machinelabs_hub.labs.storage.addresses import AddressTable
from machinelabs_hub.labs.storage.blobs import BlobStore, Place
from machinelabs_hub.labs.storage.dataset_uploads import UploadTable
from machinelabs_hub.labs.storage.dataset_versions import VersionTable
from machinelabs_hub.labs.storage.datasets import DatasetTable
from machinelabs_hub.labs.storage.exports import ExportStore
from machinelabs_hub.labs.storage.facets import FacetTable
from machinelabs_hub.labs.storage.fetched import FetchedStore
from machinelabs_hub.labs.storage.labs import LabTable
from machinelabs_hub.labs.storage.members import MemberTable
from machinelabs_hub.labs.storage.partials import PartialStore
from machinelabs_hub.labs.storage.people import PersonTable
from machinelabs_hub.labs.storage.proposals import ProposalTable
from machinelabs_hub.labs.storage.repos import RepoStore
from machinelabs_hub.labs.storage.revisions import RevisionTable
from machinelabs_hub.labs.storage.run_events import EventStore
from machinelabs_hub.labs.storage.run_inputs import RunInputTable
from machinelabs_hub.labs.storage.run_outputs import RunOutputTable
from machinelabs_hub.labs.storage.run_peaks import RunPeakTable
from machinelabs_hub.labs.storage.runs import RunTable
from machinelabs_hub.labs.storage.schedules import ScheduleTable
from machinelabs_hub.labs.storage.search import SearchTable
from machinelabs_hub.labs.storage.stars import StarTable
from machinelabs_hub.labs.storage.sweeps import SweepTable
from machinelabs_hub.labs.storage.tracking import TrackTable
from machinelabs_hub.labs.storage.verifications import VerificationTable
from machinelabs_hub.plans.policy import plan_of
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files, catalog_file, database_url

HOUR = 3600
HANDSHAKES_PER_HOUR = 120
"""From one address, which may be that of a whole classroom."""


class Locks:
    """One lock for each lab that is being changed now."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, _Lock] = WeakValueDictionary()
        self._guard = threading.Lock()

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Hold the lock of `key` for the block."""
        with self._guard:
            lock = self._locks.setdefault(key, _Lock())
        with lock.inner:
            yield


class _Lock:
    def __init__(self) -> None:
        self.inner = threading.RLock()


@dataclass(frozen=True, slots=True)
class Tools:
    """The parts that services are built of."""

    settings: Settings
    catalog: Callable[[], Catalog]
    sessions: Sessions
    labs: LabTable
    search: SearchTable
    facets: FacetTable
    stars: StarTable
    revisions: RevisionTable
    people: PersonTable
    members: MemberTable
    proposals: ProposalTable
    addresses: AddressTable
    repos: RepoStore
    exports: ExportStore
    runs: RunTable
    sweeps: SweepTable
    schedules: ScheduleTable
    run_outputs: RunOutputTable
    tracks: TrackTable
    events: EventStore
    run_logs: RunLogs
    blobs: BlobStore
    datasets: DatasetTable
    dataset_versions: VersionTable
    dataset_uploads: UploadTable
    partials: PartialStore
    run_inputs: RunInputTable
    run_peaks: RunPeakTable
    verifications: VerificationTable
    fetched: FetchedStore
    inputs: InputDesk
    bells: Bells
    contacts: Contacts
    door_keys: DoorKeys
    sampler: SamplerClient
    gpu_uses: dict[int, GpuUse]
    """What runs do on their GPUs now, by their ids."""
    locks: Locks
    publishes: Rate
    handshakes: Rate
    searches: Rate
    orders: Rate
    """Runs that people order."""
    clock: Callable[[], datetime]
    close: Callable[[], None]
    """Closes the connections to the database."""

    def plan_of(self, standing: Standing) -> Plan:
        """Return the plan of somebody who has this standing."""
        return plan_of(self.settings.plans, groups=standing.groups, is_admin=standing.is_admin)

    @classmethod
    def of(cls, settings: Settings, *, clock: Callable[[], datetime] | None = None) -> Self:
        """Build them for a site; its database must be up to date."""
        engine = open_engine(database_url(settings))
        sessions = session_maker(engine)
        files = Files(settings.data)
        inputs, now = settings.runs.inputs, clock or now_utc
        fetched = FetchedStore(
            sessions=sessions,
            contents=BlobStore(folder=files.inputs, durable=settings.database.durable),
            most_bytes=inputs.cache_gib << 30,
        )
        repos = RepoStore(folder=files.labs, durable=settings.database.durable)
        events = EventStore(
            folder=files.runs,
            most_bytes=settings.runs.log_mib << 20,
            durable=settings.database.durable,
        )
        return cls(
            settings=settings,
            catalog=catalog_reader(settings),
            sessions=sessions,
            labs=LabTable(sessions=sessions),
            search=SearchTable(sessions=sessions),
            facets=FacetTable(sessions=sessions),
            stars=StarTable(sessions=sessions),
            revisions=RevisionTable(sessions=sessions),
            people=PersonTable(sessions=sessions),
            members=MemberTable(sessions=sessions),
            proposals=ProposalTable(sessions=sessions),
            addresses=AddressTable(sessions=sessions),
            repos=repos,
            exports=ExportStore(folder=files.labs / "exports", repos=repos),
            runs=RunTable(sessions=sessions),
            sweeps=SweepTable(sessions=sessions),
            schedules=ScheduleTable(sessions=sessions),
            run_outputs=RunOutputTable(sessions=sessions),
            tracks=TrackTable(sessions=sessions),
            events=events,
            run_logs=RunLogs(events),
            blobs=BlobStore(
                folder=files.blobs,
                durable=settings.database.durable,
                place=_bucket(settings, files),
            ),
            datasets=DatasetTable(sessions=sessions),
            dataset_versions=VersionTable(sessions=sessions),
            dataset_uploads=UploadTable(sessions=sessions),
            partials=PartialStore(folder=files.blobs / "uploads"),
            run_inputs=RunInputTable(sessions=sessions),
            run_peaks=RunPeakTable(sessions=sessions),
            verifications=VerificationTable(sessions=sessions),
            fetched=fetched,
            inputs=InputDesk(
                outside=Outside(Reach(inputs.hosts, inputs.inside)),
                store=fetched,
                settings=inputs,
                clock=now,
            ),
            bells=Bells(),
            contacts=Contacts(),
            door_keys=DoorKeys(),
            sampler=SamplerClient(settings),
            gpu_uses={},
            locks=Locks(),
            publishes=Rate(count=settings.limits.publishes_per_hour, seconds=HOUR),
            handshakes=Rate(count=HANDSHAKES_PER_HOUR, seconds=HOUR),
            searches=Rate(count=settings.limits.searches_per_minute, seconds=60),
            orders=Rate(count=settings.runs.starts_per_hour, seconds=HOUR),
            clock=now,
            close=engine.dispose,
        )


def now_utc() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


def _bucket(settings: Settings, files: Files) -> Place | None:
    """Return the bucket of contents; None: they are in a folder of this machine."""
    if not settings.blobs.url:
        return None
    from machinelabs_hub.labs.storage.bucket import Bucket  # noqa: PLC0415 - takes seconds to load

    return Bucket(settings=settings.blobs, files=files)


def catalog_reader(settings: Settings) -> Callable[[], Catalog]:
    """Return a function that gives the catalogue; builds are read anew when their file changes."""
    table = load_catalog(catalog_file(settings), Files(settings.data).builds)
    builds = Files(settings.data).builds
    kept: tuple[float, Catalog] = (_changed_at(builds), table)

    def read() -> Catalog:
        nonlocal kept
        at = _changed_at(builds)
        if at != kept[0]:
            kept = (at, Catalog(table.images, table.flavours, read_builds(builds)))
        return kept[1]

    return read


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
