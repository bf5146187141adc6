"""The `ml` command as a person runs it: a process in a folder, with a home of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of `ml` ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A person's terminal; `folder` is where it stands."""

    home: Path
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def ml(self, *arguments: str, given: str = "") -> Ended:
        """Run `ml` and wait for it."""
        done = subprocess.run(
            command(*arguments),
            cwd=self.folder, env=self.environment, input=given, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
        # Of its own: that of a notebook that was run ends otherwise.
        assert "Traceback (most recent call last):" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def done(self, *arguments: str, given: str = "") -> Any:
        """Run `ml --json`, which must end well, and return what it gives."""
        ended = self.ml(*arguments, "--json", given=given)
        assert ended.code == 0, ended.out + ended.err
        return ended.json

    def at(self, path: str | Path) -> "Terminal":
        """Return the terminal in another folder, made if need be."""
        folder = self.folder / path
        folder.mkdir(parents=True, exist_ok=True)
        return Terminal(self.home, folder, self.environ)

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("JUPYTER", "MACHINELABS_", "XDG_"))
        }
        return kept | {"HOME": str(self.home), "BROWSER": "true"} | self.environ


def command(*arguments: str) -> list[str]:
    """Return the command line of `ml` in this environment."""
    return [sys.executable, "-m", "machinelabs.cli.main", *arguments]


def terminal(folder: Path, **environ: str) -> Terminal:
    """Return a new person's terminal."""
    home = folder / "home"
    (home / "work").mkdir(parents=True)
    return Terminal(home, home / "work", environ)
