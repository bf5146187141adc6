"""Who may do what with a lab."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

from machinelabs_hub.labs.models.access import Action, may, may_restore, seen_by
from machinelabs_hub.labs.models.lab import Lab, Parent, Visibility
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


def test_everybody_reads_public_and_unlisted_and_only_the_owner_private() -> None:
    for person, visibility in product((None, BOB), Visibility):
        readable = visibility is not Visibility.PRIVATE
        assert may(person, Action.READ, lab(visibility)) is readable
    assert all(may(ADA, Action.READ, lab(visibility)) for visibility in Visibility)


def test_lists_show_the_public_and_ones_own() -> None:
    for visibility in Visibility:
        assert may(None, Action.LIST, lab(visibility)) is (visibility is Visibility.PUBLIC)
        assert may(ADA, Action.LIST, lab(visibility))


def test_only_the_owner_and_admins_change() -> None:
    for action, visibility in product((Action.EDIT, Action.DELETE), Visibility):
        assert [may(who, action, lab(visibility)) for who in (None, BOB, READER, ADA, ROOT)] == [
            False, False, False, True, True,
        ]  # fmt: skip


def test_who_may_read_and_write_may_fork() -> None:
    assert may(BOB, Action.FORK, lab(Visibility.UNLISTED))
    assert not may(BOB, Action.FORK, lab(Visibility.PRIVATE))
    assert not may(None, Action.FORK, lab(Visibility.PUBLIC))
    assert not may(READER, Action.FORK, lab(Visibility.PUBLIC))


def test_nobody_may_do_anything_with_a_lab_in_the_trash_but_restore_it() -> None:
    gone = lab(Visibility.PUBLIC, trashed_at=NOW)
    assert not any(may(who, action, gone) for who in (None, ADA, ROOT) for action in Action)
    assert may_restore(ADA, gone)
    assert not may_restore(BOB, gone)
    assert not may_restore(ADA, lab(Visibility.PUBLIC))


def test_a_private_parent_is_seen_by_its_owner_alone() -> None:
    parent = Parent("ada", "secret", 1, is_private=True)
    fork = lab(Visibility.PUBLIC, owner="bob", parent=parent)
    assert seen_by(ADA, fork).parent == parent
    assert seen_by(ROOT, fork).parent == parent
    assert seen_by(None, fork).parent is None
    assert seen_by(BOB, fork).parent is None
