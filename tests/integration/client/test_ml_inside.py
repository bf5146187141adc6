"""`ml` in a person's own container, where nobody has to sign in."""

import json

import pytest
from tests.support.inside import inside
from tests.support.site import Site

pytestmark = pytest.mark.engine

PERSON = "ml-inside"


def test_a_terminal_of_a_server_publishes_without_a_sign_in(site: Site) -> None:
    server = site.start_server(PERSON, image="base")
    try:
        work = "mkdir -p ~/work && cd ~/work && echo 1 > a.txt && ml push --name work --json"
        said = inside(server.container, "bash", "-c", work)
        assert said.code == 0, said.out + said.err
        made = json.loads(said.out)
        assert made["url"] == f"{site.labs_url}/{PERSON}/work"
        again = inside(server.container, "bash", "-c", "cd ~/work && ml pull --json")
        assert json.loads(again.out)["revision"] == 1
        known = inside(server.container, "ml", "login")
        assert (known.code, "signed in to it already" in known.err) == (11, True), known.err
        # The token stays where it is: in the server's environment.
        kept = inside(server.container, "bash", "-c", "ls ~/.config/machinelabs")
        assert kept.code != 0
    finally:
        site.stop_server(PERSON)
