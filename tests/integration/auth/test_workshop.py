"""One password that everybody shares."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.hub import Hub, notice, running_hub, submit

SHARED = "open sesame 2030"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("workshop")
    auth: dict[str, Any] = {
        "kind": "workshop",
        "workshop_password": SHARED,
        "local": {"failures": 3},
    }
    with running_hub(folder, **auth) as running:
        yield running


def test_the_login_page_warns_that_anyone_may_be_anyone(workshop):
    assert "anyone may sign in under any name" in notice(workshop.client().get("/hub/login"))


def test_anyone_with_the_password_is_let_in_under_any_good_name(workshop):
    workshop.sign_in("jane", SHARED)
    assert workshop.person("jane")["admin"] is False
    _, bad = workshop.try_to_sign_in("a/b", SHARED)
    assert bad.status_code == 422
    assert "cannot be a user name" in bad.text


def test_the_shared_password_does_not_make_an_admin(workshop):
    _, refused = workshop.try_to_sign_in("admin", SHARED)
    assert refused.status_code == 403
    workshop.sign_in("admin", workshop.admin_password)
    assert workshop.person("admin")["admin"] is True


def test_guessing_is_paused_and_any_letters_may_be_guessed(workshop):
    for guess in ("wrong", "fälsch", "日本語"):
        assert workshop.try_to_sign_in("john", guess)[1].status_code == 403
    assert workshop.try_to_sign_in("john", SHARED)[1].status_code == 429


def test_there_are_people_but_no_invitations(workshop):
    admin = workshop.sign_in("admin", workshop.admin_password)
    page = admin.get("/hub/people").text
    assert "jane" in page
    assert "Invite people" not in page
    assert submit(admin, "/hub/people/invite", {}, form="/hub/account").status_code == 409
    assert "no account of this site" in workshop.client().get("/hub/signup").text
