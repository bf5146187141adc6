"""Write the pages that the code already says: settings, errors, scopes, images, API, commands.

`make generate` runs it; a contract test fails where a page is not what this would write.
"""

import argparse
import functools
import importlib
import inspect
import json
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from textwrap import wrap
from typing import Any, Final, get_args

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import machinelabs_hub
from machinelabs.cli.exits import MEANINGS, Exit
from machinelabs.cli.main import parser as ml_parser
from machinelabs_hub import scopes
from machinelabs_hub.catalog.load import load as load_catalog
from machinelabs_hub.catalog.model import Flavour, Image
from machinelabs_hub.cli import parser
from machinelabs_hub.errors import MachineLabsError, SettingsError, SetupError
from machinelabs_hub.labs.app import create_app
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Files
from machinelabs_hub.up.secrets import ensure_secrets

ROOT: Final = Path(__file__).resolve().parents[1]
REFERENCE: Final = ROOT / "docs" / "reference"
GENERATED: Final = (
    "<!-- Written by docs/generate.py: change the code, then `make generate`. -->\n\n"
)


NEVER_OVER_HTTP: Final = (SetupError, SettingsError)
"""These end a start or a command: a browser never sees them."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting: its dotted path, its field and the section it stands in."""

    path: str
    field: FieldInfo
    section: type[BaseModel]

    @property
    def default(self) -> Any:
        """The default as YAML would spell it."""
        value = self.field.get_default(call_default_factory=True)
        if self.row:
            return [row.model_dump(mode="json", exclude_unset=True) for row in value]
        return str(value) if isinstance(value, Path | StrEnum) else value

    @property
    def row(self) -> type[BaseModel] | None:
        """What the setting lists, where it is a list of sections."""
        inner = get_args(self.field.annotation)
        listed = bool(inner) and inspect.isclass(inner[0]) and issubclass(inner[0], BaseModel)
        return inner[0] if listed else None

    @property
    def meaning(self) -> str:
        """Title, description and bounds, as sentences."""
        parts = [self.field.title or "", self.field.description or "", self.bounds]
        return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)

    @property
    def bounds(self) -> str:
        """What values are taken."""
        annotation = self.field.annotation
        if inspect.isclass(annotation) and issubclass(annotation, StrEnum):
            return f"One of {', '.join(f'`{choice}`' for choice in annotation)}"
        low, high = _bound(self.field, annotated_types.Ge), _bound(self.field, annotated_types.Le)
        if low is not None and high is not None:
            return f"{low} to {high}"
        return f"At least {low}" if low is not None else ""


def _bound(field: FieldInfo, kind: type[annotated_types.Ge | annotated_types.Le]) -> Any:
    for rule in field.metadata:
        if isinstance(rule, kind):
            return rule.ge if isinstance(rule, annotated_types.Ge) else rule.le
    return None


def knobs(section: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Knob]:
    """Yield every setting of `section`, in the order of the code."""
    for name, field in section.model_fields.items():
        annotation = field.annotation
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            yield from knobs(annotation, f"{prefix}{name}.")
        else:
            yield Knob(f"{prefix}{name}", field, section)


def settings_page() -> str:
    """The settings of a site, a table a section."""
    lines = [
        "# Settings",
        "",
        "A site reads `DATA/settings.yaml`. What is not in the file has its default. A key that",
        "does not exist, or a value that does not fit, stops the start with the file, the line",
        "and the key. Changes take effect at the next start of `make run`.",
        "",
        "`config/single/settings.yaml` holds every key with its default, ready to copy from.",
    ]
    last = ""
    rows: list[tuple[str, type[BaseModel]]] = []
    for knob in knobs():
        name = knob.path.rpartition(".")[0]
        if name != last or knob.path == "data":
            title = f"`{name}`" if name else "At the top"
            lines += ["", f"## {title}", "", f"{inspect.getdoc(knob.section)}", ""]
            lines += ["| key | default | meaning |", "|---|---|---|"]
            last = name
        lines.append(f"| `{knob.path}` | `{json.dumps(knob.default)}` | {_cell(knob.meaning)} |")
        rows += [(knob.path, knob.row)] if knob.row else []
    for path, row in rows:
        lines += ["", f"## A row of `{path}`", "", f"{inspect.getdoc(row)}", ""]
        lines += ["| key | default | meaning |", "|---|---|---|"]
        for knob in knobs(row):
            default = "–" if knob.field.is_required() else f"`{json.dumps(knob.default)}`"
            lines.append(f"| `{knob.path}` | {default} | {_cell(knob.meaning)} |")
    return "\n".join(lines) + "\n"


def example_settings() -> str:
    """`config/single/settings.yaml`: every key, explained, at its default."""
    lines = [
        "# Every setting of a site, at its default. A site's own file is DATA/settings.yaml; it",
        "# needs only the lines that differ. docs/reference/settings.md says the same.",
    ]
    open_sections: list[str] = []
    for knob in knobs():
        *sections, key = knob.path.split(".")
        for depth, name in enumerate(sections):
            if open_sections[depth : depth + 1] != [name]:
                open_sections[depth:] = [name]
                lines += ["", f"{'  ' * depth}{name}:"]
        del open_sections[len(sections) :]
        indent = "  " * len(sections)
        comment = f"{indent}# "
        lines += wrap(knob.meaning, 96, initial_indent=comment, subsequent_indent=comment)
        if knob.row and knob.default:
            lines.append(f"{indent}{key}:")
            lines += [f"{indent}  - {json.dumps(row)}" for row in knob.default]
        else:
            lines.append(f"{indent}{key}: {json.dumps(knob.default)}")
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Every error code, its HTTP status and what it means."""
    lines = [
        "# Error codes",
        "",
        'An error of the API is `{"code": …, "message": …}`. The message is a sentence that says',
        "what happened and what to do; the code is for programs and does not change. Pages and",
        "commands show the sentence alone.",
        "",
        "| code | HTTP status | meaning |",
        "|---|---|---|",
    ]
    for error in sorted(error_classes(), key=lambda found: (found.status, found.code)):
        meaning = _first_line(inspect.getdoc(error) or "")
        status = "–" if issubclass(error, NEVER_OVER_HTTP) else error.status.value
        lines.append(f"| `{error.code}` | {status} | {_cell(meaning)} |")
    return "\n".join(lines) + "\n"


def error_classes() -> list[type[MachineLabsError]]:
    """Return every error class of the hub, after importing every module of it."""
    import_all()
    found: list[type[MachineLabsError]] = []
    waiting = [MachineLabsError]
    while waiting:
        error = waiting.pop()
        found.append(error)
        waiting += error.__subclasses__()
    return found


def import_all() -> None:
    """Import each module of the hub, but those that act when they are imported."""
    for module in pkgutil.walk_packages(machinelabs_hub.__path__, "machinelabs_hub."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def scopes_page() -> str:
    """Who may do what at the Hub."""
    rows: list[tuple[str, list[str]]] = [
        ("A person, beside JupyterHub's `user` role", scopes.USER_EXTRA),
        ("The token inside a person's container", scopes.SERVER_TOKEN),
        ("A browser's sign-in to the labs pages", scopes.LABS_OAUTH),
        ("A program that signed in with `ml login`", scopes.PROGRAM_TOKEN),
        ("A yes to such a program, while its token is made", scopes.PROGRAM_GRANT),
        ("The labs service itself", scopes.LABS_SERVICE_ROLE),
        ("The idle culler", scopes.CULLER_ROLE),
        ("The operator's commands on the site's machine", scopes.OPERATOR_ROLE),
    ]
    lines = [
        "# Scopes",
        "",
        "Rights at the Hub are JupyterHub's scopes. MachineLabs adds these to them:",
        "",
        "| scope | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {row['description']} |" for name, row in scopes.CUSTOM_SCOPES.items()]
    lines += ["", "| who | holds |", "|---|---|"]
    lines += [f"| {who} | {', '.join(f'`{scope}`' for scope in held)} |" for who, held in rows]
    return "\n".join(lines) + "\n"


@functools.cache
def openapi() -> dict[str, Any]:
    """What the labs service says of its API."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        ensure_secrets(Files(settings.data))
        return create_app(settings).openapi()


def openapi_text() -> str:
    """`openapi()` as a file."""
    return json.dumps(openapi(), indent=1, ensure_ascii=False) + "\n"


def api_page() -> str:
    """Every route of the labs API, by what it is about."""
    lines = [
        "# The labs API",
        "",
        "Addresses are under `http://labs--service.HOST:PORT`, the origin of the labs pages.",
        "Public and unlisted labs are read without signing in. Programs send",
        "`Authorization: Bearer TOKEN` with a token from the Hub that holds `custom:labs:read` or",
        '`custom:labs:write` ([scopes](scopes.md)). Errors are `{"code", "message", "field"}`',
        "([codes](errors.md)); `field` says what of the request it is about, or is null.",
        "",
        "Files travel as a tar of regular files, in a multipart request beside the JSON part that",
        "describes them. Lists come a page at a time: `next` of one is `cursor` of the following.",
        "",
        "- A POST that makes something takes an `Idempotency-Key` of your choice: sent again",
        "  within a day it is not done again, but answered as the first time, with",
        "  `Idempotency-Replayed: true`. The key with another request is refused with 422, while",
        "  the first is under way with 409. What failed is not kept and can be asked again. What",
        "  was made although the site stopped before it could answer is not made again: a 409",
        "  (`idempotency_key_done`) says what it is.",
        "- Labs, runs and datasets have an `ETag`. Send it back as `If-Match` with PATCH, and for",
        "  labs and datasets with DELETE, a new revision or version: if it changed since you read",
        "  it, the answer is 412 and nothing was done.",
        "- 429 says by `Retry-After` in how many seconds to ask again. A request that is no upload",
        "  ends at 1 MiB with 413.",
        "",
        "The whole description is [`openapi.json`](openapi.json); a site serves its own at",
        f"`{LABS_PREFIX}/api/openapi.json`.",
    ]
    routes: dict[str, list[str]] = {}
    for path, methods in openapi()["paths"].items():
        for method, route in methods.items():
            row = f"| `{method.upper()}` | `{path}` | {_cell(_first_line(route['description']))} |"
            routes.setdefault(route["tags"][0], []).append(row)
    for tag, rows in routes.items():
        lines += ["", f"## {tag.capitalize()}", "", "| method | address | what it does |"]
        lines += ["|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def commands_page() -> str:
    """`machinelabs-hub` and what it takes."""
    lines = [
        "# Commands",
        "",
        "`make help` lists what a checkout can do; most of it calls this:",
        "",
    ]
    lines += ["```text", *_usage(parser()), "```"]
    for path, order in _orders(parser(), "machinelabs-hub"):
        lines += ["", f"## `{path}`", "", "```text", *_usage(order), "```"]
    return "\n".join(lines) + "\n"


def _orders(
    top: argparse.ArgumentParser, path: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in top._actions:  # noqa: SLF001 - argparse has no public way to list sub-commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, order in action.choices.items():
                yield f"{path} {name}", order
                yield from _orders(order, f"{path} {name}")


def _usage(order: argparse.ArgumentParser) -> list[str]:
    order.formatter_class = functools.partial(argparse.HelpFormatter, width=96)
    return order.format_help().rstrip().splitlines()


def ml_page() -> str:
    """`ml`, what it takes and how it ends."""
    lines = [
        "# The `ml` command",
        "",
        "Labs from a terminal. [How to use it](../how-to/ml.md) says what for.",
        "",
        "```text",
        *_usage(ml_parser()),
        "```",
    ]
    for path, order in _orders(ml_parser(), "ml"):
        lines += ["", f"## `{path}`", "", "```text", *_usage(order), "```"]
    lines += ["", "## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code.value} | {_cell(MEANINGS[code])} |" for code in Exit]
    return "\n".join(lines) + "\n"


def images_page() -> str:
    """The images and flavours of `images/catalog.yaml`."""
    catalog = load_catalog(ROOT / "images" / "catalog.yaml", ROOT / "no-builds.json")
    lines = ["# Images and flavours", "", "## Images", ""]
    lines += ["Each is a row of `images/catalog.yaml` and a folder in `images/`.", ""]
    lines += ["| name | title | built on | contains |", "|---|---|---|---|"]
    lines += [_image_row(image) for image in catalog.images]
    lines += ["", "## Flavours", "", "A flavour is a size. Swap is never added to the memory.", ""]
    lines += ["| name | title | cores | memory | `/dev/shm` | processes | open files | GPUs |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    lines += [_flavour_row(flavour) for flavour in catalog.flavours]
    return "\n".join(lines) + "\n"


def _image_row(image: Image) -> str:
    contains = ", ".join(f"{package.name} {package.version}" for package in image.contains)
    return f"| `{image.name}` | {image.title} | {image.parent or 'Debian'} | {contains} |"


def _flavour_row(flavour: Flavour) -> str:
    gpus = flavour.gpu.count if flavour.gpu else 0
    return (
        f"| `{flavour.name}` | {flavour.title} | {flavour.cpu:g} | {flavour.memory_mib} MiB | "
        f"{flavour.shm_mib} MiB | {flavour.pids} | {flavour.nofile} | {gpus} |"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PAGES: Final[dict[Path, Callable[[], str]]] = {
    REFERENCE / "settings.md": lambda: GENERATED + settings_page(),
    REFERENCE / "errors.md": lambda: GENERATED + errors_page(),
    REFERENCE / "scopes.md": lambda: GENERATED + scopes_page(),
    REFERENCE / "api.md": lambda: GENERATED + api_page(),
    REFERENCE / "openapi.json": openapi_text,
    REFERENCE / "ml.md": lambda: GENERATED + ml_page(),
    REFERENCE / "commands.md": lambda: GENERATED + commands_page(),
    REFERENCE / "images.md": lambda: GENERATED + images_page(),
    ROOT / "config" / "single" / "settings.yaml": example_settings,
}
"""What is written where."""


def main() -> int:
    """Write the pages; with --check, only say which are not current and return 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one differs")
    check = parser.parse_args().check
    stale = [path for path, write in PAGES.items() if _text(path) != write()]
    for path in stale:
        print(f"{'not current' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(PAGES[path](), encoding="utf-8")
    return 1 if check and stale else 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
