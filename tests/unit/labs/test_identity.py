"""Whom a token makes its holder, and the seal of what browsers keep."""

import pytest

from machinelabs_hub import scopes
from machinelabs_hub.labs.identity import Seal, person_from
from machinelabs_hub.labs.signin import own_page

HELD = [scopes.ACCESS_LABS, scopes.WRITE_LABS, scopes.READ_LABS]


def test_a_persons_token_writes_with_the_scope_for_it() -> None:
    person = person_from({"name": "ada", "kind": "user", "scopes": HELD, "groups": ["b", "a"]})
    assert person is not None
    assert (person.name, person.may_write, person.groups) == ("ada", True, ("a", "b"))
    narrow = person_from(
        {"name": "ada", "scopes": [scopes.ACCESS_LABS, f"{scopes.READ_LABS}!user=ada"]}
    )
    assert narrow is not None
    assert not narrow.may_write


def test_a_token_that_is_not_for_labs_is_nobodys() -> None:
    assert person_from({"name": "ada", "scopes": [scopes.WRITE_LABS]}) is None
    assert person_from({"name": "ada", "scopes": [scopes.ACCESS_LABS]}) is None
    others = f"{scopes.WRITE_LABS}!user=bob"
    assert person_from({"name": "ada", "scopes": [scopes.ACCESS_LABS, others]}) is None
    assert person_from({}) is None


def test_the_token_in_an_admins_container_is_no_admins() -> None:
    model = {"name": "root", "admin": True, "scopes": HELD}
    signed_in = person_from(model)
    in_container = person_from(model | {"scopes": [*HELD, "access:servers!server=root/"]})
    assert signed_in is not None
    assert signed_in.admin
    assert in_container is not None
    assert not in_container.admin


def test_a_service_removes_people_only_with_the_scope_and_writes_nothing() -> None:
    plain = person_from({"name": "x", "kind": "service", "admin": True, "scopes": HELD})
    assert plain is not None
    assert (plain.admin, plain.may_write, plain.may_remove) == (False, False, False)
    leavers = [scopes.ACCESS_LABS, scopes.LABS_OF_LEAVERS]
    remover = person_from({"name": "accounts", "kind": "service", "scopes": leavers})
    assert remover is not None
    assert remover.may_remove


def test_what_is_sealed_opens_unchanged_and_only_with_its_key() -> None:
    seal, other = Seal(secret="a"), Seal(secret="b")
    closed = seal.close({"token": "t"})
    assert seal.open(closed, max_age=60) == {"token": "t"}
    assert other.open(closed, max_age=60) is None
    assert seal.open(closed[:-4] + "AAAA", max_age=60) is None
    assert seal.open("ü", max_age=60) is None
    assert seal.mark("x") != other.mark("x")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "//evil.example/", "/hub/logout", "/services/labsevil",
        "/services/labs/\\evil", "/services/labs/\n", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_sign_in_leads_back_to_our_pages_only(address: str) -> None:
    assert own_page(address) == "/services/labs/"
    assert own_page("/services/labs/ada/digits?tab=files") == "/services/labs/ada/digits?tab=files"
