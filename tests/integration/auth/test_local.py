"""Accounts of the site's own, through the real hub's forms."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from tests.support.hub import PASSWORD, new_link, notice, running_hub, sign_up, submit

from machinelabs_hub.db.tables.accounts import FailureRow, InvitationRow


def people(hub, action, **fields):
    return submit(hub.admin(), f"/hub/people/{action}", fields, form="/hub/people")


def test_the_first_admin_signs_in_with_the_generated_password(hub):
    admin = hub.admin()
    assert "People" in admin.get("/hub/home").text
    assert hub.person("admin")["admin"] is True


def test_an_invitation_makes_an_account_in_its_group_and_signs_in(hub):
    link = hub.invite(group="students", uses="1")
    page = hub.client().get(link)
    assert "in the group students" in page.text
    person = hub.client()
    answer = sign_up(person, link, "student-1", PASSWORD)
    assert answer.url.path == "/hub/home"
    assert "Welcome, student-1" in answer.text
    assert hub.groups_of("student-1") == {"students"}
    again = sign_up(hub.client(), link, "student-2", PASSWORD)
    assert again.status_code == 410
    assert "does not work any more" in again.text


def test_sign_up_without_an_invitation_is_closed(hub):
    client = hub.client()
    assert "by invitation" in client.get("/hub/signup").text
    sent = {"username": "sneaky", "password": PASSWORD}
    answer = submit(client, "/hub/signup", sent, form="/hub/login")
    assert answer.status_code == 403
    assert "by invitation" in answer.text
    assert hub.try_to_sign_in("sneaky", PASSWORD)[1].status_code == 403


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("admin", PASSWORD, "taken"),
        ("root", PASSWORD, "kept for somebody"),
        ("labs", PASSWORD, "kept for a page"),
        ("no spaces", PASSWORD, "cannot be a user name"),
        ("<script>", PASSWORD, "&lt;script&gt;"),
        ("brief", "short", "at least 10 characters"),
    ],
)
def test_a_form_that_cannot_be_used_comes_back_with_the_reason(hub, name, password, says):
    answer = sign_up(hub.client(), hub.invite(), name, password)
    assert answer.status_code in {409, 422}
    assert says in answer.text
    assert 'value="' + password not in answer.text


def test_one_invitation_for_one_cannot_make_two_accounts_at_once(hub):
    link = hub.invite()
    clients = [hub.client() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda pair: sign_up(pair[1], link, f"racer-{pair[0]}", PASSWORD),
                enumerate(clients),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]


def test_a_withdrawn_invitation_is_worthless(hub):
    link = hub.invite()
    with hub.sessions()() as db:
        newest = db.query(InvitationRow).order_by(InvitationRow.id.desc()).first().id
    assert "does not work any more" in people(hub, "withdraw", invitation=str(newest)).text
    assert sign_up(hub.client(), link, "too-late", PASSWORD).status_code == 410


def test_forms_without_the_sites_own_token_change_nothing(hub):
    admin = hub.admin()
    for path in ("/hub/people/invite", "/hub/people/disable", "/hub/account", "/hub/signup"):
        assert admin.post(path, data={"name": "student-1"}).status_code == 403


def test_who_is_no_admin_sees_and_changes_no_people(hub):
    _, person = hub.new_person()
    assert person.get("/hub/people").status_code == 403
    sent = {"name": "admin"}
    assert submit(person, "/hub/people/reset", sent, form="/hub/account").status_code == 403
    assert submit(person, "/hub/people/admin/delete", sent, form="/hub/account").status_code == 403
    assert "People" not in person.get("/hub/home").text


def test_a_visitor_is_sent_to_sign_in_and_back(hub):
    client = hub.client()
    assert client.get("/hub/people").url.path == "/hub/login"
    name, _ = hub.new_person()
    page = client.get("/hub/account")
    sent = {"username": name, "password": PASSWORD}
    answer = submit(client, str(page.url), sent, form=str(page.url))
    assert answer.url.path == "/hub/account"


def test_failures_pause_the_name_from_that_address_over_a_restart(hub):
    name, _ = hub.new_person()
    for _ in range(3):
        _, answer = hub.try_to_sign_in(name, "wrong")
        assert answer.status_code == 403
        assert "do not go together" in answer.text
    hub.restart()
    _, paused = hub.try_to_sign_in(name, PASSWORD)
    assert paused.status_code == 429
    assert "Wait 15 minutes" in notice(paused)
    # A forged header must not make somebody another address.
    forged = hub.client()
    forged.headers["X-Real-IP"] = "203.0.113.9"
    sent = {"username": name, "password": PASSWORD}
    assert submit(forged, "/hub/login", sent).status_code == 429
    assert hub.admin()
    with hub.sessions()() as db:
        for row in db.query(FailureRow):
            row.at -= timedelta(minutes=16)
    assert hub.sign_in(name, PASSWORD)


def test_an_admins_link_sets_a_new_password_and_ends_the_old_sessions(hub):
    name, old = hub.new_person()
    link = new_link(people(hub, "reset", name=name))
    code = link.partition("code=")[2]
    page = f"/hub/password?code={code}"
    client = hub.client()
    weak = submit(client, "/hub/password", {"code": code, "password": "short"}, form=page)
    assert weak.status_code == 422
    sent = {"code": code, "password": "another long phrase"}
    answer = submit(client, "/hub/password", sent, form=page)
    assert "Your password is set" in answer.text
    assert client.get(page).status_code == 410
    assert old.get("/hub/account").url.path == "/hub/login"
    assert hub.try_to_sign_in(name, PASSWORD)[1].status_code == 403
    assert hub.sign_in(name, "another long phrase")


def test_who_changes_their_password_stays_and_is_signed_out_elsewhere(hub):
    name, elsewhere = hub.new_person()
    here = hub.sign_in(name, PASSWORD)
    sent = {"change": "password", "old": PASSWORD, "password": "another long phrase"}
    wrong = submit(here, "/hub/account", {**sent, "old": "nope"})
    assert wrong.status_code == 403
    assert "Your password is changed" in submit(here, "/hub/account", sent).text
    assert here.get("/hub/account").url.path == "/hub/account"
    assert elsewhere.get("/hub/account").url.path == "/hub/login"
    assert hub.sign_in(name, "another long phrase")


def test_a_full_name_is_kept_and_given_to_jupyterhub(hub):
    name, client = hub.new_person()
    sent = {"change": "display_name", "display_name": "  Jané   <b>Doe</b> "}
    assert "Jané &lt;b&gt;Doe&lt;/b&gt;" in submit(client, "/hub/account", sent).text
    assert hub.person(name)["user_info"] == {"display_name": "Jané <b>Doe</b>"}
    long = {**sent, "display_name": "x" * 81}
    assert submit(client, "/hub/account", long).status_code == 422


def test_a_disabled_account_loses_sessions_tokens_and_servers(hub):
    name, client = hub.new_person()
    xsrf = {"X-XSRFToken": client.cookies.get("_xsrf", path="/hub/")}
    made = client.post(f"/hub/api/users/{name}/tokens", json={"note": "mine"}, headers=xsrf)
    token = {"Authorization": f"token {made.json()['token']}"}
    assert hub.client().get("/hub/api/user", headers=token).json()["name"] == name
    client.post(f"/hub/api/users/{name}/server", headers=xsrf)
    until = time.monotonic() + 40
    while not (hub.person(name)["servers"].get("", {}).get("ready")):
        assert time.monotonic() < until
        time.sleep(0.3)
    assert "cannot sign in" in people(hub, "disable", name=name).text
    assert hub.person(name)["servers"] == {}
    assert hub.client().get("/hub/api/user", headers=token).status_code == 403
    assert client.get("/hub/account").url.path == "/hub/login"
    _, refused = hub.try_to_sign_in(name, PASSWORD)
    assert (refused.status_code, "switched off" in refused.text) == (403, True)
    admin = hub.admin()
    xsrf = {"X-XSRFToken": admin.cookies.get("_xsrf", path="/hub/")}
    # The API answers that a start is under way before anything judges it.
    admin.post(f"/hub/api/users/{name}/server", headers=xsrf)
    time.sleep(2)
    assert hub.person(name)["servers"] == {}
    assert not hub.person(name)["pending"]
    assert "can sign in again" in people(hub, "enable", name=name).text
    assert hub.sign_in(name, PASSWORD)


def test_an_admin_cannot_switch_off_or_delete_themself(hub):
    assert people(hub, "disable", name="admin").status_code == 409
    sent = {"typed": "admin"}
    answer = submit(hub.admin(), "/hub/people/admin/delete", sent, form="/hub/people")
    assert answer.status_code == 409
    assert hub.admin()


def test_people_are_found_by_name_and_an_unknown_person_is_a_clear_page(hub):
    name, _ = hub.new_person()
    admin = hub.admin()
    assert name in admin.get("/hub/people", params={"q": name[2:]}).text
    assert "Nobody found" in admin.get("/hub/people", params={"q": "%_<x>"}).text
    unknown = admin.get("/hub/people/nobody-here/delete")
    assert unknown.status_code == 404
    assert "nobody-here" in unknown.text


def test_a_broken_form_is_a_sentence_not_a_trace(hub):
    admin = hub.admin()
    answer = submit(admin, "/hub/people/invite", {"uses": "many"}, form="/hub/people")
    assert answer.status_code == 422
    assert "whole number" in notice(answer)
    no_name = submit(hub.client(), "/hub/login", {"password": "x"})
    assert (no_name.status_code, notice(no_name)) == (
        400,
        "Enter your user name and your password.",
    )


def test_the_log_tells_no_password_and_no_link(hub):
    link = hub.invite()
    sign_up(hub.client(), link, "logged", "words that nobody may log")
    assert "words that nobody may log" not in hub.log()
    assert link.partition("code=")[2] not in hub.log()


def test_the_labs_must_be_put_away_before_anybody_is_deleted(hub):
    name, _ = hub.new_person()
    page = hub.admin().get(f"/hub/people/{name}/delete")
    assert "To the trash" in page.text
    form = f"/hub/people/{name}/delete"
    unsure = submit(hub.admin(), form, {"typed": "something else"})
    assert unsure.status_code == 422
    # This hub has no labs service, so the deletion must stop before anything is gone.
    refused = submit(hub.admin(), form, {"typed": name, "labs": "trash", "home": "keep"})
    assert refused.status_code == 503
    assert "nobody was deleted" in refused.text
    admin = hub.admin()
    xsrf = {"X-XSRFToken": admin.cookies.get("_xsrf", path="/hub/")}
    assert admin.delete(f"/hub/api/users/{name}", headers=xsrf).status_code == 503
    assert hub.sign_in(name, PASSWORD)


def test_sign_up_can_be_open_to_everybody(tmp_path):
    with running_hub(tmp_path, local={"open_signup": True, "failures": 2}) as hub:
        client = hub.client()
        assert "Make an account" in client.get("/hub/login").text
        answers = []
        for number in range(3):
            sent = {"username": f"guest-{number}", "password": PASSWORD}
            answers.append(submit(hub.client(), "/hub/signup", sent))
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert hub.sign_in("guest-0", PASSWORD)
        taken = {"username": "admin", "password": PASSWORD}
        assert submit(hub.client(), "/hub/signup", taken).status_code in {409, 429}
        assert httpx.get(f"{hub.url}/hub/people").status_code == 302


def test_nobody_is_renamed_and_everything_stays_theirs(hub):
    name, client = hub.new_person()
    admin = hub.admin()
    token = admin.cookies.get("_xsrf", path="/hub/")
    answer = admin.patch(
        f"/hub/api/users/{name}", json={"name": f"{name}2"}, headers={"X-XSRFToken": str(token)}
    )
    assert answer.status_code == 409, answer.text
    assert f"“{name}” keeps this name" in answer.json()["message"]
    assert hub.person(name)["name"] == name
    assert client.get("/hub/home").url.path == "/hub/home"
    answer = admin.patch(
        f"/hub/api/users/{name}", json={"admin": True}, headers={"X-XSRFToken": str(token)}
    )
    assert answer.status_code == 200, answer.text
    assert hub.person(name)["admin"]
