"""Grafana's own types for dashboards, as its Foundation SDK has them, held against a file."""

import json
import typing
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from pydantic import ConfigDict, TypeAdapter, ValidationError

SDK = "grafana_foundation_sdk.models."


def faults(board: dict[str, Any]) -> list[str]:
    """Return what of a dashboard Grafana does not know: fields, and values of another type."""
    register_default_plugins()
    read = Dashboard.from_json(board)
    written = json.loads(JSONEncoder().encode(read))
    return [*_lost(board, written, "dashboard"), *_misfits(read, "dashboard")]


def _lost(ours: Any, theirs: Any, at: str) -> Iterator[str]:
    """Yield what Grafana's types did not keep; their defaults for what is left out are well."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from _lost(value, theirs[key], f"{at}.{key}")
            else:
                yield f"{at}.{key}: no such field"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _lost(one, other, f"{at}[{number}]")
    elif ours != theirs:
        yield f"{at}: {ours!r} became {theirs!r}"


def _misfits(found: Any, at: str) -> Iterator[str]:
    """Yield values that are not of the type that Grafana gives their field."""
    if isinstance(found, list):
        for number, one in enumerate(found):
            yield from _misfits(one, f"{at}[{number}]")
    elif isinstance(found, dict):
        for key, one in found.items():
            yield from _misfits(one, f"{at}.{key}")
    elif type(found).__module__.startswith(SDK):
        for name, kind in typing.get_type_hints(type(found)).items():
            value = getattr(found, name)
            try:
                TypeAdapter(kind, config=_ANY_CLASS).validate_python(value)
            except ValidationError as error:
                yield f"{at}.{name}: {error.errors()[0]['msg']}: {value!r}"
            yield from _misfits(value, f"{at}.{name}")


_ANY_CLASS = ConfigDict(arbitrary_types_allowed=True)
