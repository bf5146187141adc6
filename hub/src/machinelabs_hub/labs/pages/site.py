"""All pages in one router; what has a name of its own comes before names of people."""

from fastapi import APIRouter

from machinelabs_hub.labs.pages import (
    assets,
    cards,
    compare,
    connect,
    dataset,
    dataset_settings,
    dataset_upload,
    datasets,
    explore,
    files,
    forks,
    gpus,
    labs,
    leave,
    limits,
    members,
    moves,
    new,
    own_runs,
    people,
    proposals,
    revisions,
    run,
    run_compare,
    run_html,
    run_live,
    run_metrics,
    runs,
    schedules,
    settings,
    stars,
    sweeps,
    trash,
    updates,
    usage,
    verify,
)
from machinelabs_hub.labs.pages import (
    open as opening,
)

router = APIRouter()
for part in (
    assets, connect, new, explore, limits, usage, gpus, own_runs, trash, datasets,
    dataset_settings, dataset_upload, dataset, cards, files, revisions, compare, updates, forks,
    proposals, run_compare, verify, runs, run, run_html, run_live, run_metrics, sweeps, schedules,
    settings, stars, members, leave, moves, opening, labs, people,
):  # fmt: skip
    # Not included: FastAPI would ask each part whether it changed, at every request. What a
    # part is told beside prefix, tags and class of routes would not come along.
    router.routes.extend(part.router.routes)
