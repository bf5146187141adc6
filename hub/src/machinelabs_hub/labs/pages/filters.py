"""What explore is narrowed by, as links: each facet's values, and what is chosen already."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus, urlencode

from machinelabs_hub.catalog.model import Catalog
from machinelabs_hub.labs.models.page import Facets
from machinelabs_hub.sites import LABS_PREFIX

Params = Mapping[str, str]

TITLES: Final = {
    "tag": "Tags",
    "image": "Image",
    "language": "Language",
    "flavour": "Size of the server",
    "licence": "Licence",
    "has_outputs": "Results",
    "runs_clean": "Results",
}
_FLAGS: Final = {"has_outputs": "Has outputs", "runs_clean": "Runs clean"}
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """One value to choose or to leave."""

    words: str
    url: str
    count: int
    is_on: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The values of one facet; `more` are the less frequent ones."""

    title: str
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...]


def address(params: Params, **changes: str) -> str:
    """Return where explore shows `params` with `changes`; an empty value takes one away."""
    asked = {name: value for name, value in ({**params, **changes}).items() if value}
    return f"{LABS_PREFIX}/" + (f"?{urlencode(asked)}" if asked else "")


def groups_of(facets: Facets, params: Params, catalog: Catalog) -> list[Group]:
    """Return the facets that have something to choose, in one order."""
    found: dict[str, list[Choice]] = {}
    for name, title in TITLES.items():
        counts = {one.value: one.count for one in facets.values.get(name, ())}
        chosen = params.get(name, "")
        if chosen:
            counts = {chosen: counts.get(chosen, 0)} | counts
        without = address(params, **{name: ""})
        one_more = f"{without}{'&' if '?' in without else '?'}{name}="
        found.setdefault(title, []).extend(
            Choice(
                words=_words(name, value, catalog),
                url=without if value == chosen else one_more + quote_plus(value),
                count=count,
                is_on=value == chosen,
            )
            for value, count in counts.items()
        )
    return [
        Group(title, tuple(choices[:_SHOWN]), tuple(choices[_SHOWN:]))
        for title, choices in found.items()
        if choices
    ]


def chosen_of(params: Params, catalog: Catalog) -> list[Choice]:
    """Return what is chosen, each with the address of the page without it."""
    chosen = [
        Choice(_words(name, params[name], catalog), address(params, **{name: ""}), 0, is_on=True)
        for name in TITLES
        if params.get(name)
    ]
    if fan := params.get("starred_by"):
        chosen.append(Choice(f"Starred by {fan}", address(params, starred_by=""), 0, is_on=True))
    return chosen


def _words(name: str, value: str, catalog: Catalog) -> str:
    if name in _FLAGS:
        return _FLAGS[name]
    if name == "image":
        return next((image.title for image in catalog.images if image.name == value), value)
    if name == "flavour":
        return next((one.title for one in catalog.flavours if one.name == value), value)
    return value
