"""The knobs of a site's GPUs and of its plans."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from machinelabs_hub.yamlfile import Section


class GpuSource(StrEnum):
    """Where the site learns which GPUs it has."""

    AUTO = "auto"
    NVML = "nvml"
    STATIC = "static"
    SWARM = "swarm"
    OFF = "off"

    @property
    def is_measured(self) -> bool:
        """Whether a sampler tells what the cards do."""
        return self in {GpuSource.AUTO, GpuSource.NVML}


class Card(Section):
    """One GPU of a static list."""

    uuid: Annotated[str, Field(pattern=r"^(GPU|MIG)-[A-Za-z0-9-]+$", title="Its UUID")]
    memory_mib: Annotated[int, Field(ge=1, title="Its memory, MiB")]
    model: Annotated[str, Field(title="What people call it")] = "GPU"


class Gpus(Section):
    """The site's GPUs: where they are, and when they come back."""

    source: Annotated[
        GpuSource,
        Field(
            title="Where the site learns which GPUs it has",
            description="auto: NVIDIA's library if this machine has it, else none. nvml: that "
            "library or an error. static: `cards`. swarm: what the nodes of the engine's swarm "
            "name. off: none.",
        ),
    ] = GpuSource.AUTO
    cards: Annotated[
        tuple[Card, ...],
        Field(title="The GPUs of `source: static`", description="Their use is not measured."),
    ] = ()
    idle_minutes: Annotated[
        int,
        Field(
            ge=0,
            title="Minutes before a server stops whose GPU idles",
            description="Idle: nothing computed on the card and nothing worked towards it. "
            "0 is never.",
        ),
    ] = 30
    idle_warning_minutes: Annotated[
        int, Field(ge=0, title="Minutes before that when JupyterLab warns")
    ] = 5
    unopened_minutes: Annotated[
        int,
        Field(
            ge=0,
            title="Minutes before a GPU goes back whose server nobody opened",
            description="Counted from the moment the server was ready. 0 is never.",
        ),
    ] = 10
    over_share_percent: Annotated[
        int, Field(ge=1, title="Percent over its share of memory that a server may go")
    ] = 10
    over_share_seconds: Annotated[
        int, Field(ge=1, title="Seconds that it may stay there before its kernel is stopped")
    ] = 15
    mps: Annotated[
        bool,
        Field(
            title="Share cards by CUDA MPS",
            description="The machine runs NVIDIA's MPS control daemon. Shares then limit memory "
            "and threads in the driver too.",
        ),
    ] = False

    @model_validator(mode="after")
    def _cards_fit_source(self) -> Self:
        if (self.source is GpuSource.STATIC) != bool(self.cards):
            raise ValueError("`cards` belongs to `source: static`, and that needs cards")
        if len({card.uuid for card in self.cards}) < len(self.cards):
            raise ValueError("two of the `cards` have one UUID")
        return self


class Plan(Section):
    """What a person may use. Hours are None where there is no end of them."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", title="Its name")]
    title: Annotated[str, Field(min_length=1, max_length=40, title="What people call it")]
    flavours: Annotated[
        tuple[str, ...], Field(title="Flavours it allows", description="`*` is all of them.")
    ] = ("*",)
    cpu_hours: Annotated[
        float | None,
        Field(ge=0, title="Hours of servers without a GPU", description="null: no end."),
    ] = None
    gpu_hours: Annotated[
        float | None,
        Field(
            ge=0,
            title="Hours of GPUs",
            description="A quarter of a card counts a quarter. null: no end; 0: none.",
        ),
    ] = None
    rolling_days: Annotated[
        int,
        Field(
            ge=0,
            le=366,
            title="Days over which hours count",
            description="0: the calendar month, in UTC.",
        ),
    ] = 0
    servers: Annotated[int, Field(ge=1, title="Servers at once")] = 4
    runs: Annotated[int, Field(ge=0, title="Runs at once")] = 2
    storage_gib: Annotated[
        int,
        Field(
            ge=0,
            title="Storage of labs, GiB",
            description="What the newest revisions of a person's own labs hold together; who has "
            "as much publishes no more. 0: no limit.",
        ),
    ] = 0
    weight: Annotated[
        float,
        Field(
            gt=0,
            title="Weight in the line for a GPU",
            description="Twice the weight counts recent use half.",
        ),
    ] = 1.0


DEFAULT_PLANS = (
    Plan(name="guest", title="Guest", cpu_hours=72, gpu_hours=0, servers=2, runs=1, weight=0.5),
    Plan(name="member", title="Member", gpu_hours=20),
    Plan(name="supporter", title="Supporter", gpu_hours=100, runs=4, weight=2),
    Plan(name="admin", title="Admin", servers=20, runs=8, weight=2),
)
"""After the plans of the first MachineLabs: hours of a card are what is scarce."""


class UsedUp(StrEnum):
    """What happens to a server whose hours are used up."""

    STOP = "stop"
    CPU = "cpu"


class GroupPlan(Section):
    """The plan that the members of a group have."""

    group: Annotated[str, Field(min_length=1, title="The group")]
    plan: Annotated[str, Field(title="Their plan")]


class Plans(Section):
    """Who may use how much."""

    table: Annotated[tuple[Plan, ...], Field(title="The plans")] = DEFAULT_PLANS
    default: Annotated[str, Field(title="Plan of everybody")] = "member"
    admins: Annotated[str, Field(title="Plan of admins")] = "admin"
    groups: Annotated[
        tuple[GroupPlan, ...],
        Field(
            title="Plans that groups carry",
            description="Whoever is in several has the one that stands last in the table.",
        ),
    ] = ()

    when_used_up: Annotated[
        UsedUp,
        Field(
            title="What happens to a server whose GPU hours are used up",
            description="It is saved first. stop: it stops. cpu: it is started again on "
            "`servers.default_flavour`, or the first size without a GPU if that one has some; its "
            "kernels begin anew. One without a GPU always stops.",
        ),
    ] = UsedUp.STOP

    @field_validator("table")
    @classmethod
    def _names_differ(cls, table: tuple[Plan, ...]) -> tuple[Plan, ...]:
        if len({plan.name for plan in table}) < len(table):
            raise ValueError("two plans have one name")
        return table

    @model_validator(mode="after")
    def _plans_are_there(self) -> Self:
        known = {plan.name for plan in self.table}
        for name in (self.default, self.admins, *(row.plan for row in self.groups)):
            if name not in known:
                raise ValueError(f"there is no plan “{name}” in the table")
        return self
