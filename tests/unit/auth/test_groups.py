"""Who is let in and who is an admin, from what a provider says."""

import pytest

from machinelabs_hub.auth.groups import (
    Claims,
    github_claims,
    gitlab_claims,
    google_claims,
    groups_at,
    judge,
    oidc_claims,
)
from machinelabs_hub.auth_settings import OAuth


def verdict(claims=None, *, admins=(), owns_login=True, **rule):
    claims = claims or Claims(subject="1", login="Jane@example.org", groups=("staff", "ml"))
    return judge(claims, rule=OAuth(**rule), admins=admins, owns_login=owns_login)


def test_nobody_is_let_in_unless_the_settings_say_so():
    assert not verdict().is_allowed


@pytest.mark.parametrize(
    "rule",
    [
        {"allow_all": True},
        {"allowed_users": ["jane@EXAMPLE.org"]},
        {"allowed_groups": ["ml", "other"]},
        {"admin_groups": ["staff"]},
        {"admins": ["jane@example.org"]},
    ],
)
def test_each_rule_lets_in_whom_it_names(rule):
    assert verdict(**rule).is_allowed


@pytest.mark.parametrize(
    "rule",
    [{"allowed_users": ["jane"]}, {"allowed_groups": ["ML"]}, {"admin_groups": ["staf"]}],
)
def test_a_near_miss_is_not_let_in(rule):
    assert not verdict(**rule).is_allowed


def test_who_leaves_the_admin_group_is_an_admin_no_more():
    assert verdict(admin_groups=["staff"]).is_admin is True
    assert verdict(admin_groups=["chiefs"], allow_all=True).is_admin is False


def test_an_admins_own_choice_stands_where_the_settings_name_no_admins():
    assert verdict(allow_all=True).is_admin is None


def test_who_took_over_a_login_gets_none_of_its_rights():
    found = verdict(
        allowed_users=["jane@example.org"], admins=["jane@example.org"], owns_login=False
    )
    assert not found.is_allowed
    assert not found.is_admin


def test_an_address_that_the_provider_did_not_verify_gives_no_rights():
    user = {"sub": "1", "email": "jane@example.org", "email_verified": False}
    rule = OAuth(username_claim="email", allowed_users=["jane@example.org"], allow_all=True)
    claims = oidc_claims(user, rule=rule)
    assert not judge(claims, rule=rule, admins=["jane@example.org"], owns_login=True).is_allowed


def test_groups_are_read_at_a_path_and_keycloaks_slash_is_no_part_of_them():
    user = {"realm_access": {"roles": ["/ml/staff", "ml", "ml", 7, "", "a\x00b"]}}
    assert groups_at(user, "realm_access.roles") == ("ml", "ml/staff")
    assert groups_at(user, "realm_access.none.deeper") == ()
    assert groups_at(user, "") == ()
    assert groups_at({"groups": "one"}, "groups") == ("one",)


def test_githubs_organisations_and_teams_are_groups():
    claims = github_claims(
        {"id": 7, "login": "Jane"},
        organisations=[{"login": "acme"}],
        teams=[{"slug": "ml", "organization": {"login": "acme"}}],
    )
    assert claims == Claims(subject="7", login="Jane", groups=("acme", "acme:ml"))


def test_gitlabs_group_paths_are_groups():
    claims = gitlab_claims({"id": 7, "username": "jane"}, userinfo={"groups": ["acme", "acme/ml"]})
    assert claims == Claims(subject="7", login="jane", groups=("acme", "acme/ml"))


def test_googles_hosted_domain_is_a_group_and_an_address_must_be_verified():
    user = {"id": "7", "email": "jane@acme.org", "hd": "acme.org", "verified_email": True}
    assert google_claims(user) == Claims(subject="7", login="jane@acme.org", groups=("acme.org",))
    assert not google_claims({**user, "verified_email": False}).is_verified
    assert google_claims({"id": "7", "email": "jane@acme.org"}).groups == ()
