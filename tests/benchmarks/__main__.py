"""Run the benchmarks: `python -m tests.benchmarks [--rounds N] [--only PART]`."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks import (
    fetches,
    forks,
    git,
    gpu_line,
    gpu_stock,
    gpu_waiting,
    gpu_week,
    labs,
    pages,
    render,
    report,
    runs,
    search,
    starts,
    stock,
    untuned,
)
from tests.benchmarks.figures import Figure
from tests.benchmarks.machine import facts
from tests.support.localhost import localhost_resolved
from tests.support.site import ROOT, Site, running

from machinelabs_hub.catalog.load import load
from machinelabs_hub.sites import catalog_file

PARTS = ("starts", "home", "labs", "forks", "git", "search", "render", "fetch", "runs")
GPU_PARTS = ("decision", "week", "waiting", "booked")
"""What `make bench-gpu` measures."""

ON_A_SITE = {"starts", "home", "labs", "forks", "git", "runs"}
RESULT = ROOT / "build" / "benchmarks.json"
MANUAL = ROOT / "docs" / "reference" / "benchmarks.md"


def say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 1 where a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each measurement")
    parser.add_argument(
        "--only", choices=(*PARTS, *GPU_PARTS), action="append", help="measure this part alone"
    )
    parser.add_argument("--gpu", action="store_true", help="measure what concerns GPUs alone")
    parser.add_argument("--write", action="store_true", help=f"renew {MANUAL.relative_to(ROOT)}")
    asked = parser.parse_args(arguments)
    parts = asked.only or list(GPU_PARTS if asked.gpu else PARTS)
    machine = facts()
    for name, value in machine.items():
        print(f"{name}: {value}")
    with localhost_resolved(), tempfile.TemporaryDirectory(prefix="bench-") as folder:
        figures = measure(Path(folder), parts, asked.rounds)
    print(report.table(figures))
    report.write(figures, machine, result=RESULT, page=MANUAL if asked.write else None)
    return int(any(figure.holds is False for figure in figures))


def measure(folder: Path, parts: Sequence[str], rounds: int) -> list[Figure]:
    """Run a site, and a stock hub beside it where a part compares with one."""
    without_a_site: dict[str, Callable[[], list[Figure]]] = {
        "render": lambda: render.measure(rounds=rounds, say=say),
        "decision": lambda: gpu_line.measure(say=say),
        "week": lambda: gpu_week.measure(say=say),
        "waiting": lambda: gpu_waiting.measure(say=say),
        "booked": lambda: gpu_stock.measure(say=say),
        "fetch": lambda: fetches.measure(say=say),
        "search": lambda: search.measure(folder / "search", rounds=rounds, say=say),
    }
    figures = [figure for part, run in without_a_site.items() if part in parts for figure in run()]
    if not ON_A_SITE & set(parts):
        return figures
    with running(folder / "site", limits=labs.SETTINGS) as site:
        if {"starts", "home"} & set(parts):
            figures += against_stock(site, folder, parts, rounds)
        if "labs" in parts:
            paths = labs.store(site, say)
            figures.append(pages.lab(site, paths, rounds=rounds, say=say))
            figures += labs.measure(site, rounds=rounds, say=say)
        if "forks" in parts:
            figures += forks.measure(site, rounds=rounds, say=say)
        if "git" in parts:
            figures += git.measure(site, rounds=rounds, say=say)
        if "runs" in parts:
            figures += runs.measure(site, folder, rounds=rounds, say=say)
    return figures


def against_stock(site: Site, folder: Path, parts: Sequence[str], rounds: int) -> list[Figure]:
    """Measure what a stock hub does too."""
    settings = site.settings
    catalog = load(catalog_file(settings), site.files.builds)
    flavour = catalog.flavour(settings.servers.default_flavour)
    tag = catalog.builds[settings.servers.default_image].tag
    images = {"same": tag, "untuned": untuned.build(settings, tag)}
    (folder / "stock").mkdir()
    figures: list[Figure] = []
    with stock.running(folder / "stock", images=images, flavour=flavour) as peer:
        if "starts" in parts:
            figures += starts.measure(site, peer, tag=tag, flavour=flavour, rounds=rounds, say=say)
        if "home" in parts:
            figures.append(pages.home(site, peer, rounds=rounds, say=say))
    return figures


if __name__ == "__main__":
    sys.exit(main())
