"""Print what requirements.txt is compiled from: what our packages need, less ourselves."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECTS = ("hub", "extensions/client", "extensions/jupyterlab")


def main() -> None:
    """Write one requirement a line."""
    needed: set[str] = set()
    own: set[str] = set()
    for folder in PROJECTS:
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())
        own.add(project["project"]["name"])
        needed.update(project["project"]["dependencies"])
        needed.update(project["build-system"]["requires"])
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed.update(workspace["dependency-groups"]["dev"])
    for line in sorted(needed):
        if re.split(r"[^A-Za-z0-9._-]", line)[0] not in own:
            print(line)  # noqa: T201 - it is a filter


if __name__ == "__main__":
    main()
