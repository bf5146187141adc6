"""A second opinion on who may do what with a lab, for tests to hold the service against.

It is written from the manual alone and shares no line with `machinelabs_hub.labs.models.access`:
people wear hats, hats hold rights, and rights are sets of words.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

LOOK = frozenset({"read", "list"})
USE = LOOK | {"fork", "run"}
WORK = USE | {"edit"}
ALL = WORK | {"share", "delete"}
LADDER = {"viewer": LOOK, "runner": USE, "editor": WORK, "owner": ALL}

GROUPS = ("vision", "nlp", "bob")
"""One is called like a person."""

Hat = tuple[str, str]


@dataclass(frozen=True)
class Asker:
    """Who asks, and with what: `key` names the pair."""

    key: str
    name: str = ""
    groups: tuple[str, ...] = ()
    admin: bool = False
    writes: bool = True
    program: bool = False

    @property
    def hats(self) -> set[Hat]:
        """As whom they come: themself and each of their groups."""
        if not self.name or self.program:
            return set()
        return {("person", self.name), *(("group", group) for group in self.groups)}


ASKERS = (
    Asker("", writes=False),
    Asker("ada", "ada", ("vision",)),
    Asker("bob", "bob"),
    Asker("cat", "cat", ("nlp", "vision")),
    Asker("dan", "dan", ("nlp",)),
    Asker("eve", "eve"),
    Asker("vision", "vision"),
    Asker("in-bob", "fay", ("bob",)),
    Asker("root", "root", admin=True),
    Asker("ada-reads", "ada", ("vision",), writes=False),
    Asker("root-reads", "root", admin=True, writes=False),
    Asker("program", "ada", ("nlp",), writes=False, program=True),
)
"""The key of nobody is empty; one reads with a narrow token, one is a program of the site."""

PEOPLE = ("ada", "bob", "cat", "dan", "vision")
VISIBILITIES = ("public", "unlisted", "signed-in", "private")
ROLES = ("viewer", "runner", "editor", "owner")


@dataclass
class PlainLab:
    """What is known of a lab, in plain words.

    Attributes:
        owner: a hat.
        opened_at: the newest revision when others could read it first; None: they never could.
    """

    owner: Hat
    visibility: str
    members: dict[Hat, str] = field(default_factory=dict)
    revision: int = 1
    opened_at: int | None = None
    in_trash: bool = False
    parent: "PlainLab | None" = None

    def __post_init__(self) -> None:
        self.show(self.visibility)

    def show(self, visibility: str) -> None:
        """Let others see it, or no more."""
        self.visibility = visibility
        if visibility != "private" and self.opened_at is None:
            self.opened_at = self.revision

    @property
    def owned_by(self) -> str:
        """The owner as addresses have it."""
        kind, name = self.owner
        return f"@{name}" if kind == "group" else name


def rights(asker: Asker, lab: PlainLab, *, also_in_trash: bool = False) -> frozenset[str]:
    """Return what `asker` may do with `lab`."""
    if lab.in_trash and not also_in_trash:
        return frozenset()
    held = set(held_by(asker, lab))
    if lab.visibility in {"public", "unlisted"}:
        held |= USE - {"list"}
    if lab.visibility == "public":
        held.add("list")
    if lab.visibility == "signed-in" and asker.hats:
        held |= USE
    return frozenset(held if asker.writes else held & LOOK)


def held_by(asker: Asker, lab: PlainLab) -> frozenset[str]:
    """Return the rights that come from a role, from being the owner, from being an admin."""
    if asker.admin:
        return ALL
    found: set[str] = set()
    for hat in asker.hats:
        if hat == lab.owner:
            found |= ALL
        if hat in lab.members:
            found |= LADDER[lab.members[hat]]
    return frozenset(found)


def readable(asker: Asker, lab: PlainLab) -> range:
    """Return the revisions of `lab` that `asker` may read."""
    if "read" not in rights(asker, lab):
        return range(0)
    if held_by(asker, lab):
        return range(1, lab.revision + 1)
    return range(lab.opened_at or lab.revision, lab.revision + 1)


def knows_parent(asker: Asker, lab: PlainLab) -> bool:
    """Tell whether `asker` may know what `lab` was forked from."""
    return lab.parent is not None and "read" in rights(asker, lab.parent, also_in_trash=True)


def a_hat(dice: random.Random) -> Hat:
    """Return somebody."""
    kind = dice.choice(("person", "group"))
    return kind, dice.choice(PEOPLE if kind == "person" else GROUPS)


def some_members(dice: random.Random, owner: Hat) -> dict[Hat, str]:
    """Return whom a lab of `owner` is shared with."""
    hats = {a_hat(dice) for _ in range(dice.choice((0, 0, 1, 2, 4)))} - {owner}
    return {hat: dice.choice(ROLES) for hat in sorted(hats)}


def labs(dice: random.Random) -> Iterator[PlainLab]:
    """Return labs without end, some of them forks of those before."""
    before: list[PlainLab] = []
    while True:
        owner = a_hat(dice)
        lab = PlainLab(owner, dice.choice(VISIBILITIES), some_members(dice, owner))
        for _ in range(dice.randrange(4)):
            lab.revision += dice.randrange(3)
            lab.show(dice.choice(VISIBILITIES))
        lab.in_trash = dice.random() < 0.15
        lab.parent = dice.choice(before) if before and dice.random() < 0.6 else None
        before = [*before[-20:], lab]
        yield lab
