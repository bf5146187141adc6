"""Who may do what with a lab."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from machinelabs_hub.labs.models.access import (
    Action,
    first_open,
    left_by,
    may,
    may_leave,
    may_restore,
    outlives_purge,
    publishes_as,
    role_of,
    seen_by,
)
from machinelabs_hub.labs.models.lab import Lab, Parent, Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.person import Person

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = Person("ada", "Ada")
BOB = Person("bob", "Bob")
ROOT = Person("root", "Root", admin=True)
READER = Person("ada", "Ada", may_write=False)


def lab(visibility: Visibility, **changes: object) -> Lab:
    made = Lab(
        id=1, uid="u", store="s", owner="ada", name="digits", title="Digits", description="",
        tags=(), visibility=visibility, licence="MIT", image=None, flavour=None, entrypoint=None,
        revision=1, parent=None, forks=0, created_at=NOW, updated_at=NOW, files_count=1,
        size_bytes=1,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def shared(visibility: Visibility, role: Role, *, group: str = "") -> Lab:
    kind = MemberKind.GROUP if group else MemberKind.PERSON
    return lab(visibility, members=(Member(kind, group or "bob", role),))


def test_everybody_reads_public_and_unlisted_who_is_signed_in_the_signed_in() -> None:
    for person, visibility in product((None, BOB), Visibility):
        signed_in = visibility is Visibility.SIGNED_IN and person is BOB
        is_open = visibility in {Visibility.PUBLIC, Visibility.UNLISTED}
        assert may(person, Action.READ, lab(visibility)) is (is_open or signed_in)
    assert all(may(ADA, Action.READ, lab(visibility)) for visibility in Visibility)


def test_lists_show_the_public_and_ones_own() -> None:
    for visibility in Visibility:
        assert may(None, Action.LIST, lab(visibility)) is (visibility is Visibility.PUBLIC)
        found = visibility in {Visibility.PUBLIC, Visibility.SIGNED_IN}
        assert may(BOB, Action.LIST, lab(visibility)) is found
        assert may(ADA, Action.LIST, lab(visibility))


def test_only_the_owner_and_admins_change() -> None:
    actions = (Action.EDIT, Action.SHARE, Action.DELETE)
    for action, visibility in product(actions, Visibility):
        assert [may(who, action, lab(visibility)) for who in (None, BOB, READER, ADA, ROOT)] == [
            False, False, False, True, True,
        ]  # fmt: skip


def test_who_may_read_and_write_may_fork_and_run() -> None:
    for action in (Action.FORK, Action.RUN):
        assert may(BOB, action, lab(Visibility.UNLISTED))
        assert may(BOB, action, lab(Visibility.SIGNED_IN))
        assert not may(BOB, action, lab(Visibility.PRIVATE))
        assert not may(None, action, lab(Visibility.PUBLIC))
        assert not may(READER, action, lab(Visibility.PUBLIC))


@pytest.mark.parametrize("group", ["", "vision"])
def test_each_role_may_more_than_the_one_before(group: str) -> None:
    bob = replace(BOB, groups=("vision",)) if group else BOB
    allowed = {
        Role.VIEWER: {Action.READ, Action.LIST},
        Role.RUNNER: {Action.READ, Action.LIST, Action.FORK, Action.RUN},
        Role.EDITOR: set(Action) - {Action.SHARE, Action.DELETE},
        Role.OWNER: set(Action),
    }
    for role, actions in allowed.items():
        held = shared(Visibility.PRIVATE, role, group=group)
        assert {action for action in Action if may(bob, action, held)} == actions
        assert not any(may(Person("eve", "Eve"), action, held) for action in Action)


def test_a_person_and_a_group_of_one_name_are_two() -> None:
    held = shared(Visibility.PRIVATE, Role.OWNER, group="bob")
    assert not may(BOB, Action.READ, held)
    assert not may(Person("@bob", ""), Action.READ, held)
    assert may(replace(BOB, groups=("bob",)), Action.READ, held)


def test_the_members_of_a_group_own_its_labs() -> None:
    held = lab(Visibility.PRIVATE, owner="@vision")
    assert may(replace(BOB, groups=("vision",)), Action.DELETE, held)
    assert not may(replace(BOB, groups=("Vision",)), Action.READ, held)
    assert not may(Person("vision", ""), Action.READ, held)


def test_the_highest_of_several_roles_counts_and_an_admin_has_none() -> None:
    held = lab(
        Visibility.PRIVATE,
        members=(
            Member(MemberKind.PERSON, "bob", Role.VIEWER),
            Member(MemberKind.GROUP, "vision", Role.EDITOR),
        ),
    )
    assert role_of(replace(BOB, groups=("vision",)), held) is Role.EDITOR
    assert role_of(ROOT, held) is None
    assert may(ROOT, Action.DELETE, held)


def test_a_program_of_the_site_is_nobody_to_a_lab() -> None:
    program = Person("ada", "", is_service=True, may_write=False, groups=("vision",))
    assert may(program, Action.READ, lab(Visibility.PUBLIC))
    for visibility in (Visibility.SIGNED_IN, Visibility.PRIVATE):
        assert not may(program, Action.READ, lab(visibility))


def test_what_was_private_before_a_lab_was_opened_stays_with_its_members() -> None:
    opened = replace(shared(Visibility.PUBLIC, Role.VIEWER), revision=5, open_from=3)
    assert first_open(None, opened) == first_open(Person("eve", ""), opened) == 3
    assert [first_open(who, opened) for who in (ADA, BOB, ROOT)] == [1, 1, 1]
    assert first_open(None, replace(opened, open_from=0)) == 5


def test_a_name_outlives_its_lab_only_where_everybody_might_read_it() -> None:
    assert [outlives_purge(lab(visibility)) for visibility in Visibility] == [
        True, True, False, False,
    ]  # fmt: skip


def test_nobody_may_do_anything_with_a_lab_in_the_trash_but_restore_it() -> None:
    gone = lab(Visibility.PUBLIC, trashed_at=NOW)
    assert not any(may(who, action, gone) for who in (None, ADA, ROOT) for action in Action)
    assert may_restore(ADA, gone)
    assert not may_restore(BOB, gone)
    assert not may_restore(ADA, lab(Visibility.PUBLIC))


def test_a_private_parent_is_seen_by_its_owner_alone() -> None:
    parent = Parent("ada", "secret", 1, visibility=Visibility.PRIVATE)
    fork = lab(Visibility.PUBLIC, owner="bob", parent=parent)
    assert seen_by(ADA, fork).parent == parent
    assert seen_by(ROOT, fork).parent == parent
    assert seen_by(None, fork).parent is None
    assert seen_by(BOB, fork).parent is None
    shared = replace(parent, members=(Member(MemberKind.PERSON, "bob", Role.VIEWER),))
    assert seen_by(BOB, replace(fork, parent=shared)).parent == shared


def test_a_parent_for_who_is_signed_in_is_named_to_nobody_else() -> None:
    parent = Parent("ada", "inside", 1, visibility=Visibility.SIGNED_IN)
    fork = lab(Visibility.PUBLIC, owner="bob", parent=parent)
    assert seen_by(None, fork).parent is None
    assert seen_by(Person("eve", ""), fork).parent == parent


def test_new_labs_are_ones_own_or_of_groups_whose_name_is_an_address() -> None:
    assert publishes_as(replace(BOB, groups=("vision", "my group"))) == ("bob", "@vision")
    assert publishes_as(replace(BOB, groups=("vision",), may_write=False)) == ()
    assert publishes_as(replace(BOB, is_service=True)) == ()


def test_who_has_a_role_of_their_own_leaves_and_keeps_what_others_give_them() -> None:
    private, public = (shared(who, Role.EDITOR) for who in (Visibility.PRIVATE, Visibility.PUBLIC))
    assert [may_leave(who, private) for who in (BOB, ADA, ROOT, None)] == [
        True,
        False,
        False,
        False,
    ]
    assert not may_leave(replace(BOB, may_write=False), private)
    assert not may(BOB, Action.READ, left_by(BOB, private))
    assert may(BOB, Action.READ, left_by(BOB, public))
    in_group = replace(BOB, groups=("vision",))
    grouped = shared(Visibility.PRIVATE, Role.EDITOR, group="vision")
    assert not may_leave(in_group, grouped)
    assert left_by(in_group, grouped) == grouped
