"""What git clients must not get: other labs of the store, earlier history, anything by its id."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.support.git_client import GitClient
from tests.support.site import Site
from tests.support.site_labs import FILES, api, publish, revise

from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.pktline import FLUSH, line
from machinelabs_hub.scopes import ACCESS_LABS, READ_LABS

pytestmark = pytest.mark.engine


@dataclass(frozen=True, slots=True)
class People:
    ada: str
    bob: str
    eve: str


@pytest.fixture(scope="module")
def people(site: Site) -> People:
    return People(*(site.token(f"leak-{name}") for name in ("ada", "bob", "eve")))


@pytest.fixture(scope="module")
def tools(site: Site) -> Iterator[Tools]:
    made = Tools.of(site.settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def family(site: Site, people: People, tools: Tools) -> dict[str, Lab]:
    """A private parent, a public and a private fork of it, all in one store."""
    publish(site, people.ada, "parent", FILES | {"secret.txt": b"of the parent, first"})
    revise(site, people.ada, "leak-ada/parent", FILES | {"other.txt": b"shared"})
    with api(site, people.ada) as ada:
        for name in ("bob", "eve"):
            member = {"role": "runner"}
            answer = ada.put(f"/labs/leak-ada/parent/members/person/leak-{name}", json=member)
            assert answer.is_success, answer.text
    for name, token in (("bob", people.bob), ("eve", people.eve)):
        with api(site, token) as client:
            answer = client.post("/labs/leak-ada/parent/forks", json={"name": f"fork-{name}"})
            assert answer.status_code == 201, answer.text
    revise(site, people.eve, "leak-eve/fork-eve", {"hidden.txt": b"of the private sibling"})
    revise(site, people.ada, "leak-ada/parent", {"later.txt": b"of the parent, later"})
    with api(site, people.bob) as bob:
        seen = bob.patch("/labs/leak-bob/fork-bob", json={"visibility": "public"})
        assert seen.is_success, seen.text
    found = {
        name: tools.labs.find(*path.split("/"))
        for name, path in {
            "parent": "leak-ada/parent",
            "fork": "leak-bob/fork-bob",
            "sibling": "leak-eve/fork-eve",
        }.items()
    }
    return {name: lab for name, lab in found.items() if lab is not None}


def objects(path: Path) -> set[str]:
    asked = ["git", "--git-dir", str(path), "cat-file", "--batch-all-objects"]
    done = subprocess.run([*asked, "--batch-check"], capture_output=True, text=True, check=True)
    return {row.split()[0] for row in done.stdout.splitlines()}


def secrets(family: dict[str, Lab], tools: Tools) -> list[str]:
    """Return a commit, a tree and a blob that only the sibling has."""
    lab = family["sibling"]
    newest = tools.revisions.all_of(lab)[0].commit
    return [
        newest,
        tools.repos.files_id(lab.store, newest),
        tools.repos.manifest(lab.store, newest)[0].blob,
    ]


def stored(tools: Tools, lab: Lab) -> Path:
    with tools.repos.reading(lab.store) as (_, path):
        return path


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_no_object_of_the_family_is_fetched_through_another_lab(
    site: Site, family: dict[str, Lab], tools: Tools, tmp_path: Path, protocol: int
) -> None:
    assert family["parent"].store == family["fork"].store == family["sibling"].store
    git = GitClient(tmp_path, protocol=protocol)
    url = f"{site.labs_url}/{family['fork'].path}.git"
    git.run("clone", url, "it")
    own = objects(tmp_path / "it/.git")
    foreign = sorted(objects(stored(tools, family["fork"])) - own)
    assert len(foreign) > 12
    for oid in [*foreign[:6], *secrets(family, tools)]:
        git.refused("fetch", "origin", oid, at="it")
    assert objects(tmp_path / "it/.git") == own


def test_the_private_ones_are_asked_for_with_a_password_and_refused_without(
    site: Site, family: dict[str, Lab], people: People, tmp_path: Path
) -> None:
    for lab in (family["parent"], family["sibling"]):
        url = f"{site.labs_url}/{lab.path}.git"
        said = GitClient(tmp_path).refused("clone", url, "it")
        assert "could not read Username" in said
    said = GitClient(tmp_path, token=people.bob).refused(
        "clone", f"{site.labs_url}/{family['sibling'].path}.git", "it"
    )
    assert "There is no lab leak-eve/fork-eve here, or none that you may see." in said


@pytest.mark.parametrize("protocol", [0, 2])
def test_what_was_before_a_lab_was_opened_stays_with_its_members(
    site: Site, people: People, tools: Tools, tmp_path: Path, protocol: int
) -> None:
    name = f"opened-{protocol}"
    url = publish(site, people.ada, name, {"secret.txt": b"before %d" % protocol})
    revise(site, people.ada, f"leak-ada/{name}", {"open.txt": b"after"})
    with api(site, people.ada) as ada:
        assert ada.patch(f"/labs/leak-ada/{name}", json={"visibility": "public"}).is_success
    revise(site, people.ada, f"leak-ada/{name}", {"open.txt": b"after all"})
    git = GitClient(tmp_path, protocol=protocol)
    git.run("clone", url, "others")
    assert git.run("tag", at="others").split() == ["r2", "r3"]
    git.ask("fetch", "--unshallow", at="others")
    own = objects(tmp_path / "others/.git")
    assert git.run("rev-list", "--count", "HEAD", at="others") == "2\n"
    lab = tools.labs.find("leak-ada", name)
    assert lab is not None
    first = tools.revisions.all_of(lab)[-1].commit
    earlier = [first, tools.repos.files_id(lab.store, first)]
    earlier.append(tools.repos.manifest(lab.store, first)[0].blob)
    earlier.append(git.run("cat-file", "-p", "r2", at="others").split("parent ")[1][:40])
    for oid in earlier:
        assert oid not in own
        git.refused("fetch", "origin", oid, at="others")
    assert objects(tmp_path / "others/.git") == own

    # Bearer, because a client sends no password where none is asked for.
    header = f"http.extraHeader=Authorization: Bearer {people.ada}"
    member = GitClient(tmp_path, token=people.ada, protocol=protocol)
    member.run("-c", header, "clone", url, "members")
    assert member.run("tag", at="members").split() == ["r1", "r2", "r3"]
    assert member.oid("HEAD", at="members") == member.oid("HEAD", at="others")
    # A member's anonymous clone is of the same history, so a push from it works.
    member.commit("others", {"more.txt": b"1"}, "More")
    assert "has r4 now" in member.run("push", at="others")


def test_a_pushed_tree_cannot_claim_what_it_does_not_bring(
    site: Site, family: dict[str, Lab], people: People, tools: Tools, tmp_path: Path
) -> None:
    """Raw, because git's own client would not send a tree whose files it lacks."""
    git = GitClient(tmp_path, token=people.bob)
    url = f"{site.labs_url}/{family['fork'].path}.git"
    git.run("clone", url, "it")
    secret = tools.repos.manifest(
        family["sibling"].store,
        next(iter(tools.revisions.all_of(family["sibling"]))).commit,
    )[0]
    assert secret.path == "hidden.txt"
    (tmp_path / "tree").write_text(f"100644 blob {secret.blob}\tmine.txt\n")
    tree = subprocess.run(
        ["git", "-C", str(tmp_path / "it"), "mktree", "--missing"],
        input=(tmp_path / "tree").read_bytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    old = git.oid("HEAD", at="it")
    new = git.run("commit-tree", tree.strip(), "-p", old, "-m", "Mine", at="it").strip()
    pack = subprocess.run(
        ["git", "-C", str(tmp_path / "it"), "pack-objects", "--stdout", "-q"],
        input=f"{new}\n{tree}".encode(),
        capture_output=True,
        check=True,
    ).stdout
    order = f"{old} {new} refs/heads/main\0 report-status side-band-64k\n"
    answer = httpx.post(
        f"{url}/git-receive-pack",
        content=line(order) + FLUSH + pack,
        headers={
            "Content-Type": "application/x-git-receive-pack-request",
            "Authorization": f"Bearer {people.bob}",
        },
        timeout=60,
    )
    assert answer.status_code == 200
    assert "ng refs/heads/main bad push" in answer.text
    lab = tools.labs.find("leak-bob", "fork-bob")
    assert lab is not None
    assert lab.revision == family["fork"].revision
    assert new not in objects(stored(tools, lab))


def test_a_ref_that_is_not_main_reaches_nothing_of_the_store(
    site: Site, family: dict[str, Lab], people: People, tools: Tools, tmp_path: Path
) -> None:
    git = GitClient(tmp_path, token=people.bob)
    git.run("clone", f"{site.labs_url}/{family['fork'].path}.git", "it")
    before = tools.repos.history(family["sibling"].store, family["sibling"].uid)
    for ref in (f"refs/labs/{family['sibling'].uid}", "refs/heads/../../x", "HEAD"):
        git.refused("push", "--force", "origin", f"HEAD:{ref}", at="it")
    assert tools.repos.history(family["sibling"].store, family["sibling"].uid) == before


def test_tokens_are_good_for_what_they_say(site: Site, people: People, tmp_path: Path) -> None:
    url = publish(site, people.ada, "tokens")
    narrow = site.token("leak-ada", [ACCESS_LABS, READ_LABS])
    reader = GitClient(tmp_path, token=narrow)
    reader.run("clone", url, "it")
    reader.commit("it", {"b.py": b"1"}, "Add b")
    assert "This token may only read labs" in reader.refused("push", at="it")
    none = site.token("leak-ada", ["read:users:name!user"])
    assert "Authentication failed" in GitClient(tmp_path, token=none).refused("fetch", url, at="it")
    short = site.token("leak-ada", seconds=1)
    time.sleep(1.5)
    assert "Authentication failed" in GitClient(tmp_path, token=short).refused(
        "fetch", url, at="it"
    )
    other = GitClient(tmp_path, token=people.bob)
    assert "There is no lab" in other.refused("push", url, "HEAD:main", at="it")


def test_a_wrong_password_is_asked_for_again(site: Site, people: People, tmp_path: Path) -> None:
    url = publish(site, people.ada, "wrong")
    assert "Authentication failed" in GitClient(tmp_path, token="wrong").refused("clone", url, "it")
    for auth in (None, ("ada", "wrong"), ("ada", "")):
        answer = httpx.get(f"{url}/info/refs?service=git-upload-pack", auth=auth)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Basic realm="MachineLabs')
        assert answer.headers["content-type"].startswith("text/plain")


def test_a_cookie_is_nobody_for_git(site: Site, people: People) -> None:
    url = publish(site, people.ada, "cookie")
    with site.sign_in("leak-ada") as browser:
        browser.get(f"{site.labs_url}/login")
        assert browser.get(f"{site.labs_url}/leak-ada/cookie").status_code == 200
        answer = browser.get(f"{url}/info/refs?service=git-upload-pack")
        assert answer.status_code == 401


def test_visibilities_hold_for_git(site: Site, people: People, tmp_path: Path) -> None:
    url = publish(site, people.ada, "seen", visibility="signed-in")
    GitClient(tmp_path).refused("clone", url, "nobody")
    GitClient(tmp_path, token=people.bob).run("clone", url, "bob")
    with api(site, people.ada) as ada:
        assert ada.patch("/labs/leak-ada/seen", json={"visibility": "unlisted"}).is_success
        GitClient(tmp_path).run("clone", url, "nobody")
        assert ada.patch("/labs/leak-ada/seen", json={"visibility": "private"}).is_success
        assert "There is no lab" in GitClient(tmp_path, token=people.bob).refused("pull", at="bob")
    reader = GitClient(tmp_path, token=people.bob)
    publish(site, people.ada, "others", visibility="public")
    reader.run("clone", f"{site.labs_url}/leak-ada/others.git", "read")
    reader.commit("read", {"b.py": b"1"}, "Add b")
    assert "leak-ada/others belongs to leak-ada. Fork it" in reader.refused("push", at="read")


def test_the_trash_is_not_fetched_from_and_a_former_address_leads_on(
    site: Site, people: People, tmp_path: Path
) -> None:
    url = publish(site, people.ada, "gone", visibility="public")
    git = GitClient(tmp_path, token=people.ada)
    git.run("clone", url, "it")
    with api(site, people.ada) as ada:
        moved = ada.post("/labs/leak-ada/gone/move", json={"name": "here"})
        assert moved.is_success, moved.text
        revise(site, people.ada, "leak-ada/here", {"b.py": b"1"})
        git.run("pull", at="it")
        git.commit("it", {"c.py": b"1"}, "Add c")
        assert "leak-ada/here has r3 now" in git.run("push", at="it")
        assert ada.delete("/labs/leak-ada/here").is_success
        assert "There is no lab" in git.refused(
            "fetch", f"{site.labs_url}/leak-ada/here.git", at="it"
        )
        assert ada.post("/trash/leak-ada/here/restore").is_success
        git.run("fetch", at="it")
