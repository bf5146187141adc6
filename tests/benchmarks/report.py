"""Show the figures: a table on the terminal, JSON for programs, a page of the manual."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.figures import Figure

PAGE = """# Benchmarks

`make bench` measures a site against an untouched JupyterHub with DockerSpawner on the same
machine, in turns, so that what else the machine does falls on both alike. It prints this table
and writes `build/benchmarks.json`; `make bench WRITE=1` renews this page. The peer's containers
have the same limits. *Untuned* is an image with the same packages, started as any site starts it
today; the *floor* is plain `docker run` of the same command up to its first HTTP answer. A start
is timed from the request to the hub until the hub says that the server is ready; a run from its
order until its end is told, against `docker run` of papermill on the same notebook in the same
image. The brackets hold 95 of 100 resamples of the ratio.

{table}

## Measured on

{machine}
"""


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of Markdown."""
    rows = [("What", "here", "peer", "ratio", "at most", "")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    rule = "| " + " | ".join("-" * width for width in (*widths[:-1], max(1, widths[-1]))) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _row(figure: Figure) -> tuple[str, str, str, str, str, str]:
    ratio = ""
    if figure.ratio is not None:
        ratio = f"{figure.ratio:.2f} ({figure.low:.2f} to {figure.high:.2f})"
    target = ""
    if figure.target is not None:
        target = (
            f"{figure.target:g}" if figure.ratio is not None else _value(figure.target, figure.unit)
        )
    peer = "" if figure.peer is None else _value(figure.peer, figure.unit)
    held = {None: "", True: "yes", False: "no"}[figure.holds]
    value = _value(figure.value, figure.unit)
    return (figure.name, value, peer, ratio, target, held)


def _value(value: float, unit: str) -> str:
    if unit == "s":
        return _time(value)
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def write(
    figures: Sequence[Figure], facts: Mapping[str, str], *, result: Path, page: Path | None
) -> None:
    """Write the result for programs and, if asked for, the page of the manual."""
    result.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(figure), "holds": figure.holds} for figure in figures]
    result.write_text(json.dumps({"machine": dict(facts), "figures": rows}, indent=1) + "\n")
    if page:
        machine = "\n".join(f"- {name}: {value}" for name, value in facts.items())
        page.write_text(PAGE.format(table=table(figures), machine=machine))
