"""All pages in one router; what has a name of its own comes before names of people."""

from fastapi import APIRouter

from machinelabs_hub.labs.pages import (
    assets,
    cards,
    compare,
    connect,
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
    run_live,
    runs,
    settings,
    schedules,
    stars,
    trash,
    updates,
    usage,
)
from machinelabs_hub.labs.pages import (
    open as opening,
)

router = APIRouter()
for part in (
    assets, connect, new, explore, limits, usage, gpus, own_runs, trash, cards, files, revisions,
    compare, updates, forks, proposals, runs, run, run_live, settings, stars, members, leave, moves,
    opening, labs, people,
):  # fmt: skip
    router.include_router(part.router)
