"""The parts of a run's page that change while it runs: its state, its use, what it put out."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fastapi import Request

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run, RunState
from machinelabs_hub.labs.models.sizes import duration, size
from machinelabs_hub.labs.pages.addresses import API, file_url, lab_url, revision_url
from machinelabs_hub.labs.pages.look import fill
from machinelabs_hub.labs.pages.plots import SPARK_HEIGHT, SPARK_WIDTH, Spark
from machinelabs_hub.labs.pages.run_curves import PART, metrics_of
from machinelabs_hub.labs.pages.run_screens import News

if TYPE_CHECKING:
    from machinelabs_hub.labs.render.run_use import Use

MOST_OUTPUTS: Final = 100


def can_write(ctx: Context) -> bool:
    """Tell whether the reader may keep anything here."""
    return ctx.person is not None and ctx.person.may_write and not ctx.person.is_service


def run_url(lab: Lab, number: int) -> str:
    """Return the address of a run's page."""
    return f"{lab_url(lab)}/runs/{number}"


def runs_api(lab: Lab) -> str:
    """Return where programs find the runs of a lab."""
    owner, name = quote(lab.owner, safe="@"), quote(lab.name, safe="")
    return f"{API}/labs/{owner}/{name}/runs"


def run_api(lab: Lab, number: int) -> str:
    """Return where programs find a run, and anybody the bytes of what it put out."""
    return f"{runs_api(lab)}/{number}"


def parts_of(request: Request, ctx: Context, lab: Lab, run: Run, news: News) -> dict[str, str]:
    """Return the parts as HTML by the ids of their elements."""
    held = ctx.runs.held(run)
    outputs = ctx.runs.outputs(run, limit=MOST_OUTPUTS).items if held.files else ()
    api = run_api(lab, run.number)
    values = {
        "url": lab_url(lab),
        "run": run,
        "run_url": run_url(lab, run.number),
        "api": api,
        "rights": ctx.runs.rights(lab, run),
        "may_look": ctx.run_doors.may(run),
        "is_held": run.is_held(ctx.tools.clock()),
        "verified": ctx.verify.of_run(lab, run),
        "may_keep": run.state.is_final and held.files > 0 and can_write(ctx),
        "may_publish": ctx.run_publish.may(lab, run),
        "waits": ctx.runs.waits(lab, run),
        "sweep": ctx.sweeps.of(run),
        "revision_url": revision_url(lab, run.revision),
        "file_url": file_url(lab, run.revision, run.path),
        "took": took(run),
        "held": held,
        "outputs": [(one, quote(one.path)) for one in outputs],
        "changes": ctx.runs.changes(run),
    }
    return {
        "run-state": fill("run_state.html", request, ctx, **values),
        "run-side": fill("run_side.html", request, ctx, **values),
        PART: metrics_of(request, ctx, run, run_url(lab, run.number))[1],
    } | use_of(request, ctx, run, news)


def use_of(request: Request, ctx: Context, run: Run, news: News) -> dict[str, str]:
    """Return the part that says what a run uses, or used at most, with its lines; by its id."""
    flavour = next((one for one in ctx.catalog.flavours if one.name == run.flavour), None)
    gpu = flavour.gpu if flavour else None
    now = news.now if run.state is RunState.RUNNING else None
    figures: tuple[tuple[str, Callable[[Use], float | None], float], ...] = (
        ("cores", lambda use: use.cores, flavour.cpu if flavour else 0),
        ("memory", lambda use: use.memory_mib, flavour.memory_mib if flavour else 0),
        ("GPU", lambda use: use.gpu_percent, 0),
        ("GPU memory", lambda use: use.gpu_memory_mib, gpu.count * gpu.memory_mib if gpu else 0),
    )
    uses = []
    for what, of, most in figures:
        points = [(use.at, told) for use in news.uses if (told := of(use)) is not None]
        shown = _use(what, points, most, of(now) if now else None)
        if shown is not None:
            uses.append(shown)
    return {"run-use": fill("run_use.html", request, ctx, uses=uses)}


@dataclass(frozen=True, slots=True)
class ShownUse:
    """A figure of use: what it is now (or was at most), of how much, and its line."""

    words: str
    line: Spark


def _use(
    what: str, points: list[tuple[datetime, float]], most: float, now: float | None
) -> ShownUse | None:
    if not points:
        return None
    peak = max(value for _, value in points)
    top = max(most, peak, _WHOLE.get(what, 0.0)) or 1.0
    begin, end = points[0][0], points[-1][0]
    length = (end - begin).total_seconds() or 1.0
    line = " ".join(
        f"{(at - begin).total_seconds() / length * SPARK_WIDTH:.1f},"
        f"{1 + (1 - value / top) * (SPARK_HEIGHT - 2):.1f}"
        for at, value in points
    )
    told = _FIGURES[what]
    of = f" of {told(most)}" if most else ""
    words = f"At most {told(peak)}{of}" if now is None else f"{told(now)}{of}"
    whole = length >= _SHORTEST
    summary = f"Over the run: at most {told(peak)}{of} {what}."
    return ShownUse(f"{words} {what}", Spark((line,) if whole else (), summary))


_SHORTEST: Final = 4.0
"""Seconds of a run from which on it has a line."""

_WHOLE: Final = {"GPU": 100.0}
"""How high a line may go, where no size says it."""

_FIGURES: Final[Mapping[str, Callable[[float], str]]] = {
    "cores": lambda value: f"{value:.1f}".removesuffix(".0"),
    "memory": lambda value: size(round(value * (1 << 20))),
    "GPU": lambda value: f"{value:.0f}%",
    "GPU memory": lambda value: size(round(value * (1 << 20))),
}


def took(run: Run) -> str:
    """Return how long a run ran; empty while it does, or if it never did."""
    if run.running_at is None or run.ended_at is None:
        return ""
    return duration((run.ended_at - run.running_at).total_seconds())


def mark_of(parts: dict[str, str]) -> str:
    """Return what tells these parts from changed ones."""
    return hashlib.sha256("\0".join(parts.values()).encode()).hexdigest()[:16]
