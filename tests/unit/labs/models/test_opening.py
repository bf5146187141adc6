"""On which server a lab opens."""

from machinelabs_hub.labs.models.opening import Place, place_for, server_name
from machinelabs_hub.labs.models.server import HubServer


def server(
    name: str = "", *, image: str | None = "pytorch", ready: bool = True, pending: str = ""
) -> HubServer:
    return HubServer(name, ready, pending, image, None, "")


def place(image: str | None, *servers: HubServer) -> Place:
    return place_for("moons", image, {one.name: one for one in servers}, usual_image="datascience")


def test_a_stopped_server_is_started_with_what_the_lab_wants() -> None:
    assert place("pytorch") == Place("", starts=True)
    assert place("base", server(ready=False)) == Place("", starts=True)


def test_a_server_that_runs_the_labs_image_is_used() -> None:
    assert place("pytorch", server()) == Place("", starts=False)
    assert place("pytorch", server(ready=False, pending="spawn")) == Place("", starts=False)


def test_a_lab_without_a_wish_opens_on_whatever_runs() -> None:
    assert place(None, server(image="base")) == Place("", starts=False)


def test_a_server_that_was_started_without_a_choice_runs_the_usual_image() -> None:
    assert place("datascience", server(image=None)) == Place("", starts=False)


def test_a_server_with_another_image_is_left_alone() -> None:
    assert place("base", server()) == Place("lab-moons", starts=True, avoids="pytorch")


def test_the_labs_own_server_is_found_again_and_never_changed() -> None:
    mine = server("lab-moons", image="base")
    assert place("base", server(), mine) == Place("lab-moons", starts=False, avoids="pytorch")
    other = server("lab-moons", image="datascience")
    assert place("base", server(), other) == Place("lab-moons-2", starts=True, avoids="pytorch")


def test_names_are_as_the_hub_allows_them() -> None:
    assert server_name("a" * 64) == "lab-" + "a" * 26
    assert server_name("a" * 25 + "-b") == "lab-" + "a" * 25
    assert len(server_name("a" * 64, 12)) == 30
