"""A home of one's own: it stays over stops, and nobody else sees it."""

import pytest
from tests.support.inside import inside
from tests.support.site import Site

pytestmark = pytest.mark.engine


def test_files_stay_over_a_stop_and_are_the_same_in_a_named_server(site: Site) -> None:
    first = site.start_server("home-ada", image="base")
    inside(first.container, "sh", "-c", "echo kept > ~/note.txt")
    site.stop_server("home-ada")
    second = site.start_server("home-ada", image="base")
    assert inside(second.container, "cat", "/home/jovyan/note.txt").out == "kept"
    named = site.start_server("home-ada", name="second", image="base")
    assert inside(named.container, "cat", "/home/jovyan/note.txt").out == "kept"
    site.stop_server("home-ada", name="second", remove=True)
    site.stop_server("home-ada")


def test_another_person_starts_with_an_empty_home(site: Site) -> None:
    ada = site.start_server("home-ada", image="base")
    inside(ada.container, "sh", "-c", "echo mine > ~/private.txt")
    bob = site.start_server("home-bob", image="base")
    assert inside(bob.container, "ls", "/home/jovyan/private.txt").code != 0
    assert inside(bob.container, "ls", "/home").out == "jovyan"
    site.stop_server("home-ada")
    site.stop_server("home-bob")
