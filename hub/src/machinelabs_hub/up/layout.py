"""Lay out DATA at the first start: its folders, and settings.yaml from the annotated example."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml

from machinelabs_hub import settings as site_settings
from machinelabs_hub.errors import BadInput, SetupError
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import CHECKOUT, Files

SETTINGS: Final = "settings.yaml"
EXAMPLE: Final = CHECKOUT / "config" / "single" / "settings.yaml"


class DataUnusable(SetupError):
    """DATA cannot be written."""

    code = "data_unusable"


def prepare(data: Path, *, port: int | None = None, host: str | None = None) -> Settings:
    """Make DATA if it is new, and return the site's settings.

    A port or host that is given is written into the site's settings, so that `check`, `users`
    and a start without them find the same site.

    Raises:
        SettingsError: names the file, the line and the key.
        DataUnusable: DATA cannot be written, or the disk is full.
    """
    path = data / SETTINGS
    with writing(data):
        data.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            replace(path, EXAMPLE.read_text(encoding="utf-8"))
    settings = site_settings.load(path)
    changes = {"port": port, "host": host}
    wanted = {key: value for key, value in changes.items() if value is not None}
    if any(getattr(settings.site, key) != value for key, value in wanted.items()):
        settings = _record(path, wanted)
    with writing(data):
        files = Files(settings.data)
        ours = (files.logs, files.run, files.labs, files.runs, files.blobs, files.inputs)
        for folder in (*ours, _datasets(settings)):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in ours:
            folder.chmod(0o700)
    return settings


def find(data: Path) -> Settings:
    """Return the settings of the site in DATA.

    Raises:
        BadInput: there is no site.
        SettingsError: names the file, the line and the key.
    """
    if not (data / SETTINGS).exists():
        raise BadInput(
            f"There is no site in {data}. Name its folder with --data, or make one with "
            f"`machinelabs-hub up --data {data}`."
        )
    return site_settings.load(data / SETTINGS)


def set_site_keys(text: str, changes: dict[str, int | str]) -> str:
    """Return the YAML `text` with keys of its `site` section set; comments stay as they are."""
    for key, value in changes.items():
        text = _set_site_key(text, key, value)
    return text


def _set_site_key(text: str, key: str, value: int | str) -> str:
    found = _child(yaml.compose(text, Loader=yaml.SafeLoader), "site")
    if found is None:
        return f"{text.rstrip()}\n\nsite:\n  {key}: {value}\n".lstrip("\n")
    name, section = found
    if not isinstance(section, yaml.MappingNode):
        at = name.end_mark.index + 1
        return f"{text[:at]}\n  {key}: {value}{text[at:]}"
    old = _child(section, key)
    if old is not None:
        start, end = old[1].start_mark.index, old[1].end_mark.index
        return f"{text[:start]}{value}{text[end:]}"
    at = section.start_mark.index
    if section.flow_style:
        return f"{text[: at + 1]}{key}: {value}, {text[at + 1 :]}"
    return f"{text[:at]}{key}: {value}\n{' ' * section.start_mark.column}{text[at:]}"


def _child(node: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(((name, value) for name, value in pairs if name.value == key), None)


@contextmanager
def writing(data: Path) -> Iterator[None]:
    """Turn what stops us from writing into DATA into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DataUnusable(
                f"The disk that holds {data} is full. Free some space there, then start again."
            ) from error
        raise DataUnusable(
            f"{error.filename or data} cannot be written: {error.strerror}. "
            "Choose another folder with DATA=, or start as a user who may write there."
        ) from error


def _record(path: Path, wanted: dict[str, int | str]) -> Settings:
    text = set_site_keys(path.read_text(encoding="utf-8"), wanted)
    # Checked before it is written: a bad port must not spoil the file.
    checked = site_settings.parse(text, path=path)
    with writing(path.parent):
        replace(path, text)
    return checked


def replace(path: Path, text: str) -> None:
    """Write a text file; whoever reads it meanwhile has the old or the new one whole."""
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _datasets(settings: Settings) -> Path:
    return settings.data / settings.engine.datasets
