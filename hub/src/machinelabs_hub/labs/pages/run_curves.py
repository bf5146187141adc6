"""The part of a run's page that shows what it measures, as it goes."""

import threading
from collections import OrderedDict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import Request

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.pages.curves import curve_of
from machinelabs_hub.labs.pages.look import fill

PART: Final = "run-metrics"
MOST_BESIDE: Final = 6
"""Curves beside the log."""

_MOST_KEPT: Final = 32
_SYSTEM: Final = "system/"
"""MLflow measures the machine under such names: they come last."""


def metrics_of(request: Request, ctx: Context, run: Run, here: str) -> tuple[int, str]:
    """Return the part as HTML, and the last event that is in it; `here` is the run's page."""
    at = ctx.tracking.at(run)
    # An id may come again once a run is purged.
    key = (run.id, run.created_at, at, here)
    kept = _kept(ctx.settings.data)
    html = kept.get(key)
    if html is None:
        html = _drawn(request, ctx, run, here)
        kept.put(key, html)
    return at, html


def _drawn(request: Request, ctx: Context, run: Run, here: str) -> str:
    names = sorted(
        ctx.tracking.last([run.id])[run.id], key=lambda name: (name.startswith(_SYSTEM), name)
    )
    shown = names[:MOST_BESIDE]
    tracked = ctx.tracking.of(run, shown)
    return fill(
        "run_metrics.html",
        request,
        ctx,
        curves=[curve_of(name, tracked.metrics[name]) for name in shown if name in tracked.metrics],
        more=len(names) - len(shown),
        values=bool(tracked.params or tracked.tags),
        run_url=here,
    )


class _Kept:
    """What was drawn last: all who watch a run see the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, datetime, int, str], str] = OrderedDict()

    def get(self, key: tuple[int, datetime, int, str]) -> str | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: tuple[int, datetime, int, str], html: str) -> None:
        with self._lock:
            self._kept[key] = html
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)


@lru_cache(maxsize=4)
def _kept(_data: Path) -> _Kept:
    return _Kept()
