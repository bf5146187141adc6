"""The parts of a run's page that change while it runs: its state, its use, what it put out."""

import hashlib
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run, RunState
from machinelabs_hub.labs.pages.addresses import API, file_url, lab_url, revision_url
from machinelabs_hub.labs.pages.look import fill
from machinelabs_hub.labs.pages.words import duration

MOST_OUTPUTS: Final = 100


def run_url(lab: Lab, number: int) -> str:
    """Return the address of a run's page."""
    return f"{lab_url(lab)}/runs/{number}"


def run_api(lab: Lab, number: int) -> str:
    """Return where programs find a run, and anybody the bytes of what it put out."""
    owner, name = quote(lab.owner, safe="@"), quote(lab.name, safe="")
    return f"{API}/labs/{owner}/{name}/runs/{number}"


def parts_of(
    request: Request, ctx: Context, lab: Lab, run: Run, use: dict[str, Any]
) -> dict[str, str]:
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
        "revision_url": revision_url(lab, run.revision),
        "file_url": file_url(lab, run.revision, run.path),
        "took": took(run),
        "held": held,
        "outputs": [(one, f"{api}/outputs/{quote(one.path)}") for one in outputs],
        "changes": ctx.runs.changes(run),
    }
    return {
        "run-state": fill("run_state.html", request, ctx, **values),
        "run-side": fill("run_side.html", request, ctx, **values),
    } | use_of(request, ctx, run, use)


def use_of(request: Request, ctx: Context, run: Run, use: dict[str, Any]) -> dict[str, str]:
    """Return the part that says what a run uses now, by its id."""
    shown = use if run.state is RunState.RUNNING else {}
    return {"run-use": fill("run_use.html", request, ctx, use=shown)}


def took(run: Run) -> str:
    """Return how long a run ran; empty while it does, or if it never did."""
    if run.running_at is None or run.ended_at is None:
        return ""
    return duration((run.ended_at - run.running_at).total_seconds())


def mark_of(parts: dict[str, str]) -> str:
    """Return what tells these parts from changed ones."""
    return hashlib.sha256("\0".join(parts.values()).encode()).hexdigest()[:16]
