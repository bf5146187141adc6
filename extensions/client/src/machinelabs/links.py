"""Where a folder, or one file, remembers its lab.

A folder that is a lab keeps `.machinelabs/lab.json`. A notebook that was published alone keeps
`.machinelabs/files/NAME.json` beside itself: the same content, about that one file.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from machinelabs.errors import FolderFault
from machinelabs.paths import STATE_FOLDER, shown


@dataclass(frozen=True, slots=True)
class State:
    """Which lab and revision the files are, and what they were then.

    Attributes:
        lab: `owner/name`.
        revision: the revision that the files were laid from, or published as.
        files: path -> sha256 of the file as it stood here then.
        published: path -> sha256 in the revision, only where it differs (outputs stripped).
        strip: outputs were stripped at the last publish; the next one asks the same.
        synced: the revision of the lab's original that is merged into the files, if it was
            merged here; None: as in the lab.
    """

    lab: str
    revision: int
    files: dict[str, str]
    published: dict[str, str] = field(default_factory=dict)
    strip: bool = False
    synced: int | None = None

    def in_revision(self, path: str) -> str | None:
        """Return the sha256 of `path` in the revision, or None if it has no such file."""
        return self.published.get(path, self.files.get(path))

    def text(self) -> str:
        """Return it as it is kept."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


@dataclass(frozen=True, slots=True)
class Link:
    """A folder (`only` is None), or the one file `only` in it, that is or can become a lab."""

    root: Path
    only: str | None = None

    @property
    def state_file(self) -> Path:
        """Where its state is kept."""
        if self.only is None:
            return self.root / STATE_FOLDER / "lab.json"
        return self.root / STATE_FOLDER / "files" / f"{self.only}.json"

    def read(self) -> State | None:
        """Return its state, or None if it is no lab yet.

        Raises:
            FolderFault: the state is there and cannot be read.
        """
        try:
            body = json.loads(self.state_file.read_bytes())
            return State(
                lab=str(body["lab"]),
                revision=int(body["revision"]),
                files={str(path): str(sha) for path, sha in body["files"].items()},
                published={str(p): str(sha) for p, sha in body.get("published", {}).items()},
                strip=bool(body.get("strip", False)),
                synced=int(body["synced"]) if body.get("synced") else None,
            )
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FolderFault(
                f"“{shown(self.root.name)}” has a damaged {STATE_FOLDER}/{self.state_file.name}. "
                "Remove it and open the lab again; your files stay as they are."
            ) from error

    def write(self, state: State) -> None:
        """Remember `state`: the whole of it or nothing."""
        try:
            self.state_file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.state_file, state.text().encode())
        except OSError as error:
            raise FolderFault(
                f"“{shown(self.root.name)}” cannot be written to: {error.strerror}."
            ) from error

    def forget(self) -> None:
        """Be no lab any more; the files stay."""
        self.state_file.unlink(missing_ok=True)


def find(path: Path, *, top: Path) -> Link | None:
    """Return the link that `path`, a file or a folder below `top`, belongs to, if any.

    A file's own link comes before that of a folder around it. `top` itself is never a lab.
    """
    alone = Link(path.parent, path.name)
    if path != top and path.parent.is_relative_to(top) and alone.state_file.is_file():
        return alone
    for folder in (path, *path.parents):
        if folder == top or not folder.is_relative_to(top):
            return None
        link = Link(folder)
        if link.state_file.is_file():
            return link
    return None


def follow(old: Path, new: Path) -> bool:
    """Let the link of a file that was published alone go with it from `old` to `new`.

    Returns whether there was one. The lab has the file under its old name until it is published
    again; so it stands in the state.
    """
    before, after = Link(old.parent, old.name), Link(new.parent, new.name)
    state = before.read()
    if state is None or old.exists() or not new.is_file():
        return False
    after.write(state)
    before.forget()
    return True


def write_whole(target: Path, content: bytes) -> None:
    """Write a file so that it is there whole, or as it was."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
