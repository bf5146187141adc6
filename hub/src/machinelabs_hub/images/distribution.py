"""The base system of all images: pulled where a registry answers, else made from a mirror."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from machinelabs_hub.images.engine import Engine
from machinelabs_hub.images.errors import NoDistribution

SUITE: Final = "bookworm"
TAG: Final = f"machinelabs/debian:{SUITE}-slim"
UPSTREAM: Final = f"debian:{SUITE}-slim"
FRESH: Final = timedelta(days=30)
"""An older base system is made anew when an image is to be built on it."""

_SOURCES: Final = Path("/etc/apt")
_LEFT_OUT: Final = ("usr/share/doc/*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*")


@dataclass(frozen=True, slots=True)
class Source:
    """One mirror of the distribution: an address, a suite and the key that signs it."""

    address: str
    suite: str
    key: str = ""


def ensure(engine: Engine, *, work: Path, say: Callable[[str], None]) -> str:
    """Return the tag of a base system that is not older than `FRESH`, if one can be had.

    Raises:
        NoDistribution: says what was tried.
    """
    made = engine.created(TAG)
    if made and datetime.now(UTC) - _moment(made) < FRESH:
        return TAG
    if engine.pull(UPSTREAM, tag=TAG):
        say(f"Pulled {UPSTREAM}")
        return TAG
    sources = [source for source in read_sources(_SOURCES) if source.suite.startswith(SUITE)]
    main = next((source for source in sources if source.suite == SUITE), None)
    if main and os.geteuid() == 0:
        say(f"No registry answers: making a base system from {main.address}")
        _bootstrap(engine, main, sources, work)
    elif not made:
        raise NoDistribution(
            f"No registry gives {UPSTREAM}, and it cannot be made here: that takes root and a "
            f"mirror of Debian {SUITE} in /etc/apt. Load an image called {TAG} into the engine."
        )
    return TAG


def read_sources(folder: Path) -> list[Source]:
    """Return the binary package sources that apt uses, as written below `folder`."""
    old = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]
    lines = [line for path in old if path.exists() for line in path.read_text().splitlines()]
    paragraphs = [
        paragraph
        for path in sorted(folder.glob("sources.list.d/*.sources"))
        for paragraph in re.split(r"\n\s*\n", path.read_text())
    ]
    return [*_one_line(lines), *_deb822(paragraphs)]


def _one_line(lines: Iterable[str]) -> Iterable[Source]:
    for line in lines:
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+\S", line)
        if match:
            key = re.search(r"signed-by=(\S+)", match[1] or "")
            yield Source(match[2].rstrip("/"), match[3], key[1] if key else "")


def _deb822(paragraphs: Iterable[str]) -> Iterable[Source]:
    for paragraph in paragraphs:
        fields = dict(re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.+)$", paragraph))
        if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
            for address in fields.get("URIs", "").split():
                for suite in fields.get("Suites", "").split():
                    yield Source(address.rstrip("/"), suite, fields.get("Signed-By", "").strip())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:19] + "+00:00")


def _bootstrap(engine: Engine, main: Source, sources: list[Source], work: Path) -> None:
    if not shutil.which("debootstrap"):
        _run(["apt-get", "install", "-q", "-y", "debootstrap"])
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work, prefix="distribution-") as home:
        root = Path(home) / "root"
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates"]
        if main.key and Path(main.key).exists():
            command.append(f"--keyring={main.key}")
        _run([*command, SUITE, str(root), main.address])
        lines = [f"deb {source.address} {source.suite} main\n" for source in sources]
        (root / "etc/apt/sources.list").write_text("".join(dict.fromkeys(lines)))
        for pattern in (*_LEFT_OUT, "var/cache/apt/*", "var/lib/apt/lists/*", "var/log/*"):
            for path in root.glob(pattern):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        packed = subprocess.Popen(
            ["tar", "-C", str(root), "--numeric-owner", "--exclude=./dev/*", "-c", "."],
            stdout=subprocess.PIPE,
        )
        with packed:
            if packed.stdout is not None:
                engine.load(packed.stdout, tag=TAG)
        if packed.returncode:
            raise NoDistribution("The base system could not be packed: the disk may be full.")


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        said = (result.stdout + result.stderr).strip().splitlines() or ["nothing"]
        raise NoDistribution(
            f"The base system could not be made: {command[0]} said “{said[-1]}”. "
            "Check this machine's apt sources and disk, then start again."
        )
