"""git in a terminal of a person's own server: the page's address, and nobody asks for a password."""

import shlex
from collections.abc import Iterator

import pytest
from tests.support.inside import Said, inside
from tests.support.site import Server, Site
from tests.support.site_labs import api, publish

pytestmark = pytest.mark.engine

PERSON = "git-inside"
WHO = "-c user.name=Ada -c user.email=ada@example.org"


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Server]:
    yield site.start_server(PERSON, image="base")
    site.stop_server(PERSON)


def shell(server: Server, *lines: str) -> Said:
    return inside(server.container, "bash", "-ec", "\n".join(lines))


def test_a_private_lab_is_cloned_and_pushed_by_its_pages_address(
    site: Site, server: Server
) -> None:
    url = publish(site, server.token, "inside")
    said = shell(
        server,
        f"cd && git clone {shlex.quote(url)} inside && cd inside",
        "cat main.py && git config remote.origin.url",
        f"echo 2 > b.py && git add b.py && git {WHO} commit -qm 'Add b'",
        "git push && git pull",
    )
    assert said.code == 0, said.out + said.err
    assert said.out.splitlines()[:2] == ["print(1)", url]
    assert f"remote: {PERSON}/inside has r2 now: {site.labs_url}/{PERSON}/inside" in said.err
    with api(site, server.token) as client:
        newest = client.get(f"/labs/{PERSON}/inside/revisions").json()["items"][0]
    assert (newest["number"], newest["message"], newest["author"]) == (2, "Add b", PERSON)


def test_the_token_stays_in_the_servers_environment(site: Site, server: Server) -> None:
    url = publish(site, server.token, "kept")
    said = shell(
        server,
        f"cd && git clone -q {shlex.quote(url)} kept",
        'grep -rF "$JUPYTERHUB_API_TOKEN" ~ || echo nowhere',
    )
    assert said.out.splitlines()[0] == "nowhere", said.out


def test_anothers_private_lab_is_not_there(site: Site, server: Server) -> None:
    other = "git-inside-other"
    url = publish(site, site.token(other), "theirs")
    said = shell(server, f"cd && git clone {shlex.quote(url)} theirs")
    assert said.code != 0
    assert f"remote: There is no lab {other}/theirs" in said.err, said.err
