"""`ml run --grid`: a run for each combination of values, ordered together, and how they end."""

import json
import time
from collections.abc import Sequence
from typing import Any, Final

from machinelabs.cli.exits import Exit
from machinelabs.cli.session import Session
from machinelabs.errors import BadInput, Offline
from machinelabs.paths import shown
from machinelabs.sweeps import Sweep, SweepRun

_EVERY_SECONDS: Final = 2.0
_FINAL: Final = {
    "failed": Exit.RUN_FAILED,
    "lost": Exit.RUN_LOST,
    "stopped": Exit.RUN_STOPPED,
    "finished": Exit.DONE,
}
"""How a run ends, and how `ml` does; of several ends the first here counts."""


def read_grid(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values by name of `rate=0.1,0.01`; what has commas stands in a JSON list.

    Raises:
        BadInput: it is no such text, or a name is said twice.
    """
    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip()
        if not equals or not name or not values.strip():
            raise BadInput(f"“{shown(text)}” has no values. Write --grid NAME=VALUE,VALUE.")
        if name in grid:
            raise BadInput(f"“{shown(name)}” has two --grid. Write all its values in one.")
        grid[name] = _values(values.strip())
    return grid


def order_sweep(
    session: Session,
    lab: str,
    grid: dict[str, list[Any]],
    wishes: dict[str, Any],
    *,
    follows: bool,
) -> Exit | None:
    """Order the sweep, and tell how its runs end if asked to."""
    made = session.hub.sweeps.order(lab, grid, **wishes)
    line = f"{made.lab}, sweep {made.number} of {len(made.runs)} runs: {made.url}"
    if not follows:
        session.out.result(sweep_json(made), line)
        return None
    session.out.note(line)
    while True:
        try:
            made = _to_end(session, made)
            break
        except KeyboardInterrupt:
            if not session.out.ask("Stop its runs too?"):
                session.out.note("They go on.")
                return Exit.CANCELLED
            session.hub.sweeps.stop(made.lab, made.number)
            session.out.note("Stopping them.")
    session.out.result(sweep_json(made), *(_ended(made, run) for run in made.runs))
    ends = {one.state for one in made.runs}
    return next((end for state, end in _FINAL.items() if state in ends), Exit.DONE)


def sweep_json(one: Sweep) -> dict[str, object]:
    """Return what programs are told of a sweep."""
    return {
        "lab": one.lab,
        "sweep": one.number,
        "name": one.name,
        "url": one.url,
        "revision": one.revision,
        "path": one.path,
        "grid": {name: list(values) for name, values in one.grid.items()},
        "is_final": one.is_final,
        "states": dict(one.states),
        "runs": [
            {
                "run": f"{one.lab}#{run.number}",
                "state": run.state,
                "parameters": dict(run.parameters),
                "seconds": run.seconds,
                "metrics": dict(run.metrics),
            }
            for run in one.runs
        ],
    }


def _to_end(session: Session, sweep: Sweep) -> Sweep:
    """Tell how many runs are how far, until all are over."""
    is_away, told = False, ""
    while True:
        try:
            sweep = session.hub.sweeps.get(sweep.lab, sweep.number)
            is_away = False
        except Offline as error:
            if not is_away:
                session.out.note(f"{error} The runs do not need it.")
            is_away = True
        states = ", ".join(f"{count} {state}" for state, count in sweep.states.items())
        if states != told:
            session.out.note(states)
            told = states
        if sweep.is_final and not is_away:
            return sweep
        time.sleep(_EVERY_SECONDS)


def _ended(sweep: Sweep, run: SweepRun) -> str:
    values = " ".join(f"{name}={_said(run.parameters.get(name))}" for name in sweep.grid)
    measured = " ".join(f"{name}={_said(value)}" for name, value in run.metrics.items())
    took = f" {run.seconds:.1f} s" if run.seconds is not None else ""
    return " ".join(filter(None, (f"{sweep.lab}#{run.number} {run.state}{took}", values, measured)))


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _values(text: str) -> list[Any]:
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return found
    return [part.strip() for part in text.split(",") if part.strip()]
