"""The form of a new run: what is run, with which values, where."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from machinelabs_hub.labs.models.parameters import BadParameter, Kind, Parameter
from machinelabs_hub.labs.models.run import Run, RunDraft, RunKind, kind_of
from machinelabs_hub.labs.models.sweep import BadSweep, grid_in

FIELD: Final = "p."
"""Before the name of a parameter's field: names of parameters are people's own."""

_SAME: Final = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class ValueField:
    """The field of one parameter; `input` says how it is typed in."""

    name: str
    input: str
    value: str
    hint: str
    what: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunAsked:
    """What stands in the form, as text."""

    revision: int | None = None
    path: str = ""
    image: str = ""
    flavour: str = ""
    name: str = ""
    arguments: str = ""
    hold: bool = False
    grid: str = ""
    """Lines of the values that a sweep goes over; empty: it is one run."""
    values: Mapping[str, str] = field(default_factory=dict)

    def draft(self, known: tuple[Parameter, ...]) -> RunDraft:
        """Return the order that the form asks for: only values that differ from the defaults.

        Raises:
            BadParameter: a line of a script's arguments has no value.
            BadSweep: several values are asked for.
        """
        if self.grid.strip():
            raise BadSweep("A schedule orders one run each time. Leave the several values out.")
        return self._draft(known)

    def sweep(self, known: tuple[Parameter, ...]) -> tuple[RunDraft, dict[str, list[Any]]]:
        """Return what the runs of a sweep have in common, and the values that it goes over.

        Raises:
            BadSweep: a line of them cannot be read.
        """
        grid = grid_in(self.grid)
        draft = self._draft(known)
        # A field holds one value, but its parameter's line says what is meant.
        alone = {key: value for key, value in draft.parameters.items() if key not in grid}
        # Of many that fail each would keep the next ones waiting.
        return replace(draft, parameters=alone, hold=False), grid

    def _draft(self, known: tuple[Parameter, ...]) -> RunDraft:
        defaults = {one.name: _text(one, one.default) for one in known}
        values = {
            name: value for name, value in self.values.items() if value != defaults.get(name, "")
        }
        if kind_of(self.path) is RunKind.SCRIPT and not known:
            values = _lines(self.arguments)
        return RunDraft(
            revision=self.revision,
            path=self.path,
            image=self.image,
            flavour=self.flavour,
            parameters=dict(values),
            name=self.name,
            hold=self.hold,
        )


@dataclass(frozen=True, slots=True)
class WhenAsked:
    """What stands in the form's part that orders on a schedule, as text."""

    cron: str = ""
    zone: str = ""
    is_newest: bool = True
    """Each run is of the newest revision of that time."""


_LONGEST_NUMBER: Final = 9


def asked_in(said: Mapping[str, str]) -> RunAsked:
    """Return what a browser sent of the form."""
    revision = said.get("revision", "")
    is_number = revision.isdecimal() and len(revision) <= _LONGEST_NUMBER
    return RunAsked(
        revision=int(revision) if is_number else None,
        path=said.get("path", ""),
        image=said.get("image", ""),
        flavour=said.get("flavour", ""),
        name=said.get("name", ""),
        arguments=said.get("arguments", ""),
        hold=bool(said.get("hold")),
        grid=said.get("grid", ""),
        values={
            key.removeprefix(FIELD): value for key, value in said.items() if key.startswith(FIELD)
        },
    )


def asked_like(run: Run) -> RunAsked:
    """Return the form of a run like another one; a script has fields or lines of arguments."""
    said = {name: _plain(value) for name, value in run.parameters.items()}
    lines = "\n".join(f"{name}={value}" for name, value in said.items())
    return RunAsked(
        revision=run.revision,
        path=run.path,
        image=run.image,
        flavour=run.flavour,
        name=run.name,
        hold=run.is_to_hold,
        arguments=lines,
        values=said,
    )


def fields_of(known: tuple[Parameter, ...], values: Mapping[str, str]) -> list[ValueField]:
    """Return a field for each parameter, filled with what was asked for, or its default."""
    fields = []
    for one in known:
        choices = tuple(_plain(choice) for choice in one.choices)
        if one.kind is Kind.FLAG and not choices:
            choices = ("true", "false")
        if choices and one.may_be_none:
            choices = ("None", *choices)
        value = values.get(one.name, _text(one, one.default))
        if choices and value not in choices:
            choices = (value, *choices)
        hint = one.source if one.default is None and one.source != "None" else ""
        fields.append(ValueField(one.name, _INPUTS[one.kind], value, hint, _what(one), choices))
    return fields


_INPUTS: Final = {
    Kind.TEXT: "text",
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.FLAG: "text",
    Kind.LIST: "code",
    Kind.MAPPING: "code",
    Kind.ANY: "code",
}
_KINDS: Final = {
    Kind.TEXT: "Text",
    Kind.INTEGER: "A whole number",
    Kind.NUMBER: "A number",
    Kind.FLAG: "",
    Kind.LIST: "A list, such as [1, 2]",
    Kind.MAPPING: 'An object, such as {"a": 1}',
    Kind.ANY: "A value as Python writes it, or text",
}


def _what(one: Parameter) -> str:
    kind = "" if one.choices else _KINDS[one.kind]
    if one.may_be_none and one.kind is not Kind.ANY and not one.choices:
        kind += ", or nothing"
    return ". ".join(filter(None, (one.what.rstrip("."), kind)))


def _text(one: Parameter, value: Any) -> str:
    """Return a value as its field has it."""
    if isinstance(value, bool):
        return _SAME[value]
    if value is None and one.choices and one.may_be_none:
        return "None"
    return one.text if value == one.default else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _SAME[value]
    return value if isinstance(value, str) else "" if value is None else repr(value)


def _lines(text: str) -> dict[str, str]:
    values = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals:
            raise BadParameter(f"“{line[:80]}” has no value. Write NAME=VALUE, one a line.")
        values[name.strip().removeprefix("--")] = value.strip()
    return values
