"""10,000 random cases of who, which lab and what, held against a second opinion."""

import random
from datetime import UTC, datetime

from tests.support import who_may
from tests.support.who_may import ASKERS, Asker, PlainLab, knows_parent, readable, rights

from machinelabs_hub.labs.models.access import Action, first_open, may, may_restore, seen_by
from machinelabs_hub.labs.models.lab import Lab, Parent, Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.person import Person

CASES = 10_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def person_of(asker: Asker) -> Person | None:
    if not asker.name:
        return None
    return Person(
        asker.name, "", admin=asker.admin, groups=asker.groups, may_write=asker.writes,
        is_service=asker.program,
    )  # fmt: skip


def members_of(plain: PlainLab) -> tuple[Member, ...]:
    return tuple(
        Member(MemberKind(kind), name, Role(role)) for (kind, name), role in plain.members.items()
    )


def parent_of(above: PlainLab) -> Parent:
    return Parent(
        above.owned_by, "above", 1, exists=not above.in_trash,
        visibility=Visibility(above.visibility), members=members_of(above),
    )  # fmt: skip


def lab_of(plain: PlainLab) -> Lab:
    return Lab(
        id=1, uid="u", store="s", owner=plain.owned_by, name="digits", title="", description="",
        tags=(), visibility=Visibility(plain.visibility), licence="MIT", image=None, flavour=None,
        entrypoint=None, revision=plain.revision, forks=0, created_at=NOW, updated_at=NOW,
        files_count=1, size_bytes=1, trashed_at=NOW if plain.in_trash else None,
        open_from=plain.opened_at or 0, members=members_of(plain),
        parent=parent_of(plain.parent) if plain.parent else None,
    )  # fmt: skip


def test_ten_thousand_random_cases_end_as_a_second_opinion_says() -> None:
    dice = random.Random(5)  # noqa: S311 - for variety, not secrecy
    found: set[tuple[str, str, bool]] = set()
    for number, plain in zip(range(CASES), who_may.labs(dice), strict=False):
        asker = dice.choice(ASKERS)
        person, lab = person_of(asker), lab_of(plain)
        case = f"case {number}: {asker} with {plain}"
        expected = rights(asker, plain)
        assert {action.value for action in Action if may(person, action, lab)} == expected, case
        may_see = plain.parent is not None and knows_parent(asker, plain)
        assert (seen_by(person, lab).parent is not None) is may_see, case
        if "read" in expected:
            assert first_open(person, lab) == readable(asker, plain).start, case
        back = plain.in_trash and "delete" in rights(asker, plain, also_in_trash=True)
        assert may_restore(person, lab) is back, case
        found |= {(asker.key, action.value, action.value in expected) for action in Action}
    # Every action was met both allowed and refused, but for whom one of the two never happens.
    for asker in ASKERS:
        for action in Action:
            reads_only = not asker.writes and action.value not in who_may.LOOK
            has_no_role = asker.key == "eve" and action.value not in who_may.USE
            assert reads_only or has_no_role or (asker.key, action.value, True) in found
            assert (asker.key, action.value, False) in found
