"""Labs of random people and groups in a real service, each with words of its own.

Each lab, each title and each revision holds a word that stands nowhere else (`zqlab7e`, `zqttl7e`,
`zqrev7x2e`; none begins another), so that an answer shows what it gives away.
"""

import random
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import quote

import httpx
from tests.support.content import tar_of
from tests.support.labs_service import LabsServer
from tests.support.who_may import (
    ASKERS,
    PEOPLE,
    ROLES,
    VISIBILITIES,
    Asker,
    Hat,
    PlainLab,
    a_hat,
    readable,
    rights,
)

from machinelabs_hub.labs.context import Context, Parts
from machinelabs_hub.labs.models.lab import LabChange, LabDraft, Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.person import Person

LABS = 40


@dataclass
class Lab(PlainLab):
    """A lab of the service, and the words that stand in it."""

    number: int = 0
    moved: bool = False
    words: list[str] = field(default_factory=list)
    """The word of each revision, r1 first."""

    @property
    def first_name(self) -> str:
        return f"zqlab{self.number}e"

    @property
    def name(self) -> str:
        return f"zqlab{self.number}m" if self.moved else self.first_name

    @property
    def title(self) -> str:
        return f"zqttl{self.number}e"

    @property
    def path(self) -> str:
        return f"{quote(self.owned_by, safe='@')}/{self.name}"


def person_of(asker: Asker) -> Person:
    return Person(
        asker.name, asker.name, admin=asker.admin, groups=asker.groups, may_write=asker.writes,
        is_service=asker.program,
    )  # fmt: skip


class World:
    """Labs of people and groups, made through the services by those who may."""

    def __init__(self, server: LabsServer, browser: httpx.Client, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - for variety, not secrecy
        self.parts: Parts = server.app.state.parts
        self.browser = browser
        self.labs: list[Lab] = []
        server.seen_as(**{asker.key: person_of(asker) for asker in ASKERS if asker.key})
        for name in PEOPLE:
            self.parts.tools.people.seen(Person(name, name), self.parts.tools.clock())
        for number in range(LABS):
            self.labs.append(self._made(number))
        for lab in self.labs:
            self._lived(lab)

    def by(self, hat: Hat) -> Context:
        """Return the services as somebody who wears `hat` has them."""
        kind, name = hat
        person = Person(name, name) if kind == "person" else Person("eve", "", groups=(name,))
        return Context(person=person, tools=self.parts.tools, hub=self.parts.hub)

    def _made(self, number: int) -> Lab:
        owner = a_hat(self.dice)
        as_ = f"@{owner[1]}" if owner[0] == "group" else ""
        roots = [lab for lab in self.labs if not lab.in_trash]
        parent = self.dice.choice(roots) if roots and self.dice.random() < 0.5 else None
        if parent is not None:
            owner = self._forker(parent, owner)
            as_ = f"@{owner[1]}" if owner[0] == "group" else ""
            lab = Lab(owner, parent.visibility, number=number, parent=parent)
            made, _ = self.by(owner).forks.fork(
                parent.owned_by, parent.name, to=lab.first_name, as_=as_
            )
            lab.words = [parent.words[-1]]
            change = LabChange(title=lab.title)
            self.by(owner).labs.change(made.owner, made.name, change)
        else:
            visibility = self.dice.choice(VISIBILITIES)
            lab = Lab(owner, visibility, number=number)
            lab.words = [f"zqrev{number}x1e"]
            draft = LabDraft(
                title=lab.title, name=lab.first_name, owner=as_, tags=("zebra",),
                visibility=Visibility(visibility), message=lab.words[0],
            )  # fmt: skip
            self.by(owner).labs.publish(draft, files_with(lab.words[0]))
        # What its life begins with: a few revisions, some of them open and some not.
        for _ in range(self.dice.randrange(3)):
            self._revised(lab)
            self._shown(lab, self.dice.choice(VISIBILITIES))
        return lab

    def _forker(self, parent: Lab, wanted: Hat) -> Hat:
        """Return who forks: whoever may; the owner always may."""
        kind, name = wanted
        asker = Asker("-", name, ()) if kind == "person" else Asker("-", "eve", (name,))
        return wanted if "fork" in rights(asker, parent) else parent.owner

    def _lived(self, lab: Lab) -> None:
        hats = {a_hat(self.dice) for _ in range(self.dice.choice((0, 1, 1, 3)))} - {lab.owner}
        for hat in sorted(hats):
            lab.members[hat] = self.dice.choice(ROLES)
            member = Member(MemberKind(hat[0]), hat[1], Role(lab.members[hat]))
            self.parts.tools.members.put(
                self.by(lab.owner).labs.get(lab.owned_by, lab.name),
                member,
                by="test",
                at=self.parts.tools.clock(),
            )
        if self.dice.random() < 0.25:
            self.by(lab.owner).moves.move(lab.owned_by, lab.name, to_name=f"zqlab{lab.number}m")
            lab.moved = True
        if self.dice.random() < 0.15:
            self.by(lab.owner).labs.delete(lab.owned_by, lab.name)
            lab.in_trash = True

    def _revised(self, lab: Lab) -> None:
        lab.revision += 1
        lab.words.append(f"zqrev{lab.number}x{lab.revision}e")
        self.by(lab.owner).revisions.publish(
            lab.owned_by,
            lab.name,
            base=None,
            message=lab.words[-1],
            files=files_with(lab.words[-1]),
        )

    def _shown(self, lab: Lab, visibility: str) -> None:
        change = LabChange(visibility=Visibility(visibility))
        self.by(lab.owner).labs.change(lab.owned_by, lab.name, change)
        lab.show(visibility)

    def known_to(self, asker: Asker) -> set[str]:
        """Return every word that `asker` may come to know, wherever they look."""
        known: set[str] = set()
        for lab in self.labs:
            if "read" in rights(asker, lab):
                known |= {lab.name, lab.first_name, lab.title}
                known |= {lab.words[number - 1] for number in readable(asker, lab)}
            if lab.in_trash and "read" in rights(asker, lab, also_in_trash=True):
                known.add(lab.name)
            if lab.in_trash and "delete" in rights(asker, lab, also_in_trash=True):
                known.add(lab.title)
        return known

    def listed_to(self, asker: Asker) -> list[Lab]:
        """Return the labs that `asker` sees in lists."""
        return [lab for lab in self.labs if "list" in rights(asker, lab)]


def files_with(word: str) -> BinaryIO:
    return tar_of({"README.md": f"# {word}\n".encode(), "main.py": f"{word} = 1\n".encode()})
