"""Which site is spoken to, and as whom."""

import json
from pathlib import Path

import pytest

from machinelabs.errors import BadInput, FolderFault
from machinelabs.sites import Access, Kept, NoSite, address, choose, folder

LABS = "/services/labs"
DOOR = {"MACHINELABS_LABS_URL": f"http://172.30.7.1:8004{LABS}", "JUPYTERHUB_API_TOKEN": "own"}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("labs.example.org", "https://labs.example.org"),
        ("https://labs.example.org/", "https://labs.example.org"),
        ("https://labs.example.org:8443/hub/home", "https://labs.example.org:8443"),
        ("http://labs--service.x.org/services/labs/ada/digits", "http://labs--service.x.org"),
        ("hub.localhost:8000", "http://hub.localhost:8000"),
        ("localhost", "http://localhost"),
        ("127.0.0.1:9", "http://127.0.0.1:9"),
        ("[::1]:9", "http://[::1]:9"),
    ],
)
def test_an_address_is_read_as_people_write_it(said: str, found: str) -> None:
    assert address(said) == f"{found}{LABS}"


@pytest.mark.parametrize("said", ["", "ftp://x.org", "https://", "x:y", "https://u:p@x.org", "//"])
def test_what_is_no_address_is_refused(said: str) -> None:
    with pytest.raises(BadInput, match="not an address"):
        address(said)


def test_what_a_person_names_comes_before_all_else(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with pytest.raises(NoSite):
        choose(None, {}, kept)
    kept.keep(address("a.org"), "token-a")
    kept.keep(address("b.org"), "token-b")
    a, b = address("a.org"), address("b.org")
    environ = {"MACHINELABS_URL": "c.org", "MACHINELABS_TOKEN": "given"}
    assert choose(None, {}, kept) == Access(b, "token-b")
    assert choose("a.org", {}, kept) == Access(a, "token-a")
    assert choose("d.org", {}, kept) == Access(address("d.org"), None)
    assert choose(None, environ, kept) == Access(address("c.org"), "given")
    # A token that is meant for one site never goes to another.
    assert choose("a.org", environ, kept) == Access(a, "token-a")
    assert choose("a.org", {"MACHINELABS_TOKEN": "given"}, kept) == Access(a, "given")
    assert choose(None, DOOR, kept) == Access(
        DOOR["MACHINELABS_LABS_URL"], "own", is_container=True
    )
    assert choose("a.org", DOOR, kept) == Access(a, "token-a")


def test_tokens_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "deep" / "config")
    kept.keep(address("a.org"), "token-a")
    kept.keep(address("b.org"), "token-b")
    assert kept.file.stat().st_mode & 0o777 == 0o600
    assert kept.file.parent.stat().st_mode & 0o777 == 0o700
    again = Kept(kept.file.parent)
    assert (again.sites, again.default) == ((address("a.org"), address("b.org")), address("b.org"))
    assert again.forget(address("b.org"))
    assert not again.forget(address("b.org"))
    assert Kept(kept.file.parent).default == address("a.org")


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"sites": []}), "\x00"])
def test_a_damaged_file_is_said_and_stays(tmp_path: Path, text: str) -> None:
    (tmp_path / "credentials.json").write_text(text)
    with pytest.raises(FolderFault, match="damaged"):
        Kept(tmp_path)
    assert (tmp_path / "credentials.json").read_text() == text


def test_the_folder_is_the_persons_own() -> None:
    assert folder({"XDG_CONFIG_HOME": "/x"}) == Path("/x/machinelabs")
    assert folder({}) == Path.home() / ".config/machinelabs"
