"""What a request is answered with: who asks, and the services as they may use them."""

from dataclasses import dataclass, field

from machinelabs_hub.catalog.model import Catalog
from machinelabs_hub.labs.hubapi import HubApi
from machinelabs_hub.labs.identity import Identities, Seal
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.compare import CompareService
from machinelabs_hub.labs.services.dataset_uploads import DatasetUploadService
from machinelabs_hub.labs.services.datasets import DatasetService
from machinelabs_hub.labs.services.directory import Directory
from machinelabs_hub.labs.services.forks import ForkService
from machinelabs_hub.labs.services.git import GitService
from machinelabs_hub.labs.services.gpus import GpuService
from machinelabs_hub.labs.services.hours import HourService
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.members import MemberService
from machinelabs_hub.labs.services.metrics import MetricService
from machinelabs_hub.labs.services.moves import MoveService
from machinelabs_hub.labs.services.own_gpu import OwnGpuService
from machinelabs_hub.labs.services.own_runs import OwnRunService
from machinelabs_hub.labs.services.people import PeopleService
from machinelabs_hub.labs.services.proposals import ProposalService
from machinelabs_hub.labs.services.rates import Rate
from machinelabs_hub.labs.services.reservations import ReservationService
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.labs.services.run_compare import RunCompareService
from machinelabs_hub.labs.services.run_datasets import RunDatasetService
from machinelabs_hub.labs.services.run_doors import DoorService
from machinelabs_hub.labs.services.run_publish import RunPublishService
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.schedules import ScheduleService
from machinelabs_hub.labs.services.search import SearchService
from machinelabs_hub.labs.services.stars import StarService
from machinelabs_hub.labs.services.sweeps import SweepService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.tracking import TrackingService
from machinelabs_hub.labs.services.trash import TrashService
from machinelabs_hub.labs.services.updates import UpdateService
from machinelabs_hub.labs.services.verify import VerifyService
from machinelabs_hub.labs.services.working_copies import WorkingCopyService
from machinelabs_hub.labs.turns import Turns
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process is made of; `app.state.parts` holds it."""

    tools: Tools
    hub: HubApi
    identities: Identities
    seal: Seal
    visitors: Rate
    searching: Turns = field(default_factory=Turns)


@dataclass(frozen=True, slots=True)
class Context:
    """One request: `person` is None when nobody signed in.

    Attributes:
        csrf_token: send it back with every unsafe request, as the form field `_csrf` or the
            header `X-CSRF-Token`; empty when nobody signed in by cookie.
        nonce: for the `nonce` attribute of a page's inline scripts and styles.
    """

    person: Person | None
    tools: Tools
    hub: HubApi
    csrf_token: str = ""
    nonce: str = ""

    @property
    def settings(self) -> Settings:
        """The site's settings."""
        return self.tools.settings

    @property
    def addresses(self) -> Addresses:
        """Where the site's parts are."""
        return Addresses(self.tools.settings)

    @property
    def catalog(self) -> Catalog:
        """Images and flavours of the site."""
        return self.tools.catalog()

    @property
    def labs(self) -> LabService:
        """Labs as this person may see and change them."""
        return LabService(tools=self.tools, viewer=self.person)

    @property
    def search(self) -> SearchService:
        """Finding labs among those that this person may see."""
        return SearchService(tools=self.tools, viewer=self.person)

    @property
    def stars(self) -> StarService:
        """Stars and featured labs, as this person may give and choose them."""
        return StarService(tools=self.tools, viewer=self.person)

    @property
    def revisions(self) -> RevisionService:
        """The states of a lab and their files."""
        return RevisionService(tools=self.tools, viewer=self.person)

    @property
    def runs(self) -> RunService:
        """Executions of a lab, as this person may order, see and stop them."""
        return RunService(tools=self.tools, viewer=self.person)

    @property
    def run_publish(self) -> RunPublishService:
        """Executed notebooks as the next revisions of their labs."""
        return RunPublishService(tools=self.tools, viewer=self.person)

    @property
    def schedules(self) -> ScheduleService:
        """Runs of a lab that are ordered again and again, as this person may set them."""
        return ScheduleService(tools=self.tools, viewer=self.person)

    @property
    def run_compare(self) -> RunCompareService:
        """Runs side by side, as far as this person may see them."""
        return RunCompareService(tools=self.tools, viewer=self.person)

    @property
    def verify(self) -> VerifyService:
        """Proofs that revisions run clean, as this person may ask for and see them."""
        return VerifyService(tools=self.tools, viewer=self.person)

    @property
    def sweeps(self) -> SweepService:
        """Runs that are ordered together, as this person may order, see and stop them."""
        return SweepService(tools=self.tools, viewer=self.person)

    @property
    def datasets(self) -> DatasetService:
        """Datasets, as this person may see and change them."""
        return DatasetService(tools=self.tools, viewer=self.person, directory=self._directory)

    @property
    def dataset_uploads(self) -> DatasetUploadService:
        """Versions of datasets that this person makes."""
        return DatasetUploadService(tools=self.tools, viewer=self.person)

    @property
    def run_datasets(self) -> RunDatasetService:
        """What runs put out, as this person may keep it in datasets."""
        return RunDatasetService(tools=self.tools, viewer=self.person)

    @property
    def run_doors(self) -> DoorService:
        """The doors of runs, as this person may go through them."""
        return DoorService(tools=self.tools, viewer=self.person)

    @property
    def own_runs(self) -> OwnRunService:
        """The runs that this person started, of whatever lab."""
        return OwnRunService(tools=self.tools, viewer=self.person)

    @property
    def tracking(self) -> TrackingService:
        """What the code of runs measures."""
        return TrackingService(tools=self.tools)

    @property
    def compare(self) -> CompareService:
        """What differs between revisions."""
        return CompareService(tools=self.tools, viewer=self.person)

    @property
    def proposals(self) -> ProposalService:
        """What forks offer to a lab."""
        return ProposalService(tools=self.tools, viewer=self.person)

    @property
    def forks(self) -> ForkService:
        """Forks of a lab."""
        return ForkService(tools=self.tools, viewer=self.person)

    @property
    def git(self) -> GitService:
        """Labs as git repositories."""
        return GitService(tools=self.tools, viewer=self.person)

    @property
    def updates(self) -> UpdateService:
        """Catching forks up with their originals."""
        return UpdateService(tools=self.tools, viewer=self.person)

    @property
    def working_copies(self) -> WorkingCopyService:
        """Merging files that a person sends, without storing them."""
        return WorkingCopyService(tools=self.tools, viewer=self.person)

    @property
    def people(self) -> PeopleService:
        """People and their labs."""
        return PeopleService(tools=self.tools, viewer=self.person)

    @property
    def trash(self) -> TrashService:
        """Labs that were deleted in the last days."""
        return TrashService(tools=self.tools, viewer=self.person)

    @property
    def members(self) -> MemberService:
        """Whom a lab is shared with."""
        return MemberService(tools=self.tools, viewer=self.person, directory=self._directory)

    @property
    def moves(self) -> MoveService:
        """Other names and other owners for labs."""
        return MoveService(tools=self.tools, viewer=self.person, directory=self._directory)

    @property
    def hours(self) -> HourService:
        """Plans and hours: what was used, what is left, extra hours."""
        return HourService(tools=self.tools, viewer=self.person, directory=self._directory)

    @property
    def own_gpu(self) -> OwnGpuService:
        """The GPUs that this person's servers hold."""
        return OwnGpuService(tools=self.tools, viewer=self.person, hours=self.hours)

    @property
    def gpus(self) -> GpuService:
        """The site's cards and the line for them, as this person may see and steer them."""
        return GpuService(tools=self.tools, viewer=self.person)

    @property
    def metrics(self) -> MetricService:
        """The site's GPUs in figures."""
        return MetricService(tools=self.tools, viewer=self.person)

    @property
    def reservations(self) -> ReservationService:
        """GPUs that are kept for groups, as this person may see, make and cancel them."""
        return ReservationService(tools=self.tools, viewer=self.person, directory=self._directory)

    @property
    def _directory(self) -> Directory:
        return Directory(people=self.tools.people, hub=self.hub, viewer=self.person)
