"""Publish, revise, read, fork, list, delete: the services on git and SQL."""

import io
import tarfile
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.labs.conftest import As
from tests.support.many_labs import notebook, tar_of

from machinelabs_hub.catalog.model import UnknownImage
from machinelabs_hub.errors import MachineLabsError, NotAllowed
from machinelabs_hub.labs.models.config import BadConfig
from machinelabs_hub.labs.models.lab import Lab, LabChange, LabDraft, Parent, Visibility
from machinelabs_hub.labs.models.notebooks import BadNotebook
from machinelabs_hub.labs.models.page import LabQuery, Sort
from machinelabs_hub.labs.models.paths import BadPath, ClashingPaths
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import trash
from machinelabs_hub.labs.services.intake import (
    EmptyLab,
    FileTooLarge,
    LabTooLarge,
    TooManyFiles,
)
from machinelabs_hub.labs.services.labs import NameTaken, TooManyLabs
from machinelabs_hub.labs.services.people import LabsOfLeaver, NoPerson
from machinelabs_hub.labs.services.rates import Rate, TooMany
from machinelabs_hub.labs.services.revisions import NoFile, NoRevision, StaleRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, SignInNeeded, TokenTooNarrow
from machinelabs_hub.labs.storage.tar import BadArchive, NotAFile

ADA, BOB = Person("ada", "Ada"), Person("bob", "Bob")
ROOT = Person("root", "Root", admin=True)
FILES = {"main.ipynb": notebook("1 + 1"), "README.md": b"# About zebras\n", "data/a.csv": b"1,2\n"}


def publish(viewed_by: As, person: Person = ADA, files: Any = None, **said: Any) -> Lab:
    draft = LabDraft(**{"title": "Digits", "visibility": Visibility.PUBLIC, **said})
    return viewed_by(person).labs.publish(draft, tar_of(FILES if files is None else files))


def names(viewed_by: As, person: Person | None, **query: Any) -> list[str]:
    return [lab.path for lab in viewed_by(person).labs.list(LabQuery(**query)).items]


def test_a_lab_is_published_and_read_back(viewed_by: As) -> None:
    lab = publish(viewed_by, tags=("Vision", "sk learn"), description="How to", message="First")
    assert (lab.path, lab.revision, lab.entrypoint) == ("ada/digits", 1, "main.ipynb")
    assert (lab.tags, lab.files_count) == (("vision", "sk-learn"), 3)
    seen = viewed_by(None)
    assert seen.labs.get("ada", "digits") == lab
    assert [(r.number, r.author, r.message) for r in seen.revisions.list(lab).items] == [
        (1, "ada", "First")
    ]
    assert [f.path for f in seen.revisions.files(lab)] == ["README.md", "data/a.csv", "main.ipynb"]
    assert seen.revisions.read(lab, 1, "data/a.csv") == b"1,2\n"
    with tarfile.open(fileobj=io.BytesIO(b"".join(seen.revisions.archive(lab)))) as tar:
        assert {m.name: tar.extractfile(m).read() for m in tar} == FILES  # type: ignore[union-attr]


def test_the_next_revision_keeps_the_one_before(viewed_by: As) -> None:
    lab = publish(viewed_by)
    revisions = viewed_by(ADA).revisions
    changed = FILES | {"README.md": b"# About lions\n"}
    made, is_new = revisions.publish(
        "ada", "digits", base=1, message="Lions", files=tar_of(changed)
    )
    assert (made.number, is_new) == (2, True)
    lab = viewed_by(None).labs.get("ada", "digits")
    assert lab.revision == 2
    assert revisions.read(lab, 1, "README.md") == b"# About zebras\n"
    assert revisions.read(lab, "latest", "README.md") == b"# About lions\n"
    assert names(viewed_by, None, q="lions") == ["ada/digits"]
    assert names(viewed_by, None, q="zebras") == []


def test_the_same_files_make_no_revision(viewed_by: As) -> None:
    publish(viewed_by)
    made, is_new = viewed_by(ADA).revisions.publish(
        "ada", "digits", base=1, message="", files=tar_of(dict(reversed(FILES.items())))
    )
    assert (made.number, is_new) == (1, False)


def test_a_stale_publish_says_who_was_first(viewed_by: As) -> None:
    publish(viewed_by)
    for base, content in ((1, b"a"), (None, b"b")):
        viewed_by(ADA).revisions.publish(
            "ada", "digits", base=base, message="", files=tar_of({"a.py": content})
        )
    with pytest.raises(StaleRevision, match=r"ada published r3 of ada/digits on .* based on r1"):
        viewed_by(ADA).revisions.publish("ada", "digits", base=1, message="", files=tar_of(FILES))
    assert viewed_by(ADA).labs.get("ada", "digits").revision == 3


def test_what_is_not_there_is_said(viewed_by: As) -> None:
    lab = publish(viewed_by)
    with pytest.raises(NoRevision, match="newest is r1"):
        viewed_by(None).revisions.find(lab, 2)
    with pytest.raises(NoFile):
        viewed_by(None).revisions.read(lab, 1, "main.py")
    with pytest.raises(NoLab):
        viewed_by(None).labs.get("ada", "nothing")


@pytest.mark.parametrize(
    ("files", "refusal"),
    [
        ({}, EmptyLab),
        ({".machinelabs/lab.json": b"{}"}, EmptyLab),
        ({"../a": b""}, BadPath),
        ({"/etc/passwd": b""}, BadPath),
        ({"a\nb": b""}, BadPath),
        ({"n" * 300: b""}, BadPath),
        ({".git/config": b""}, BadPath),
        ({"a": b"", "A": b""}, ClashingPaths),
        ({"a.ipynb": b"{"}, BadNotebook),
        ({"a.ipynb": notebook(kilobytes=1200)}, FileTooLarge),
        ({"a.bin": b"x" * (3 << 20)}, FileTooLarge),
        ({f"{n}.bin": b"x" * (1 << 20) for n in range(5)}, LabTooLarge),
        ({f"{n}.txt": b"" for n in range(51)}, TooManyFiles),
        ({"a.py": b"", "ml.yaml": b"image: nope"}, BadConfig),
        ({"a.py": b"", "ml.yaml": b"entrypoint: b.py"}, BadConfig),
    ],
)
def test_refused_files_leave_nothing_behind(
    viewed_by: As, tools: Tools, files: dict[str, bytes], refusal: type[MachineLabsError]
) -> None:
    with pytest.raises(refusal) as refused:
        publish(viewed_by, files=files)
    assert str(refused.value).endswith(".")
    assert refused.value.code == refusal.code
    assert list(tools.repos.stores()) == []
    assert names(viewed_by, ADA) == []


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_are_refused(viewed_by: As, kind: bytes) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        link = tarfile.TarInfo("passwords")
        link.type, link.linkname = kind, "/etc/passwd"
        tar.addfile(link)
    packed.seek(0)
    with pytest.raises(NotAFile, match="passwords"):
        viewed_by(ADA).labs.publish(LabDraft(title="x"), packed)
    with pytest.raises(BadArchive):
        viewed_by(ADA).labs.publish(LabDraft(title="x"), io.BytesIO(b"no tar at all"))


def test_what_is_said_of_a_lab_is_checked(viewed_by: As) -> None:
    with pytest.raises(UnknownImage):
        publish(viewed_by, image="nope")
    for said in (
        {"title": ""},
        {"licence": "nope"},
        {"tags": ("a/b",)},
        {"name": "Nope!"},
        {"name": "files"},
    ):
        with pytest.raises(MachineLabsError):
            publish(viewed_by, **said)
    assert names(viewed_by, ADA) == []


def test_a_name_is_taken_once_and_made_free_when_it_is_made_from_the_title(viewed_by: As) -> None:
    publish(viewed_by)
    with pytest.raises(NameTaken, match="ada/digits"):
        publish(viewed_by, name="digits")
    assert publish(viewed_by).path == "ada/digits-2"
    assert publish(viewed_by, BOB).path == "bob/digits"


def test_ml_yaml_says_image_and_entrypoint_until_the_next_does(viewed_by: As) -> None:
    files = {"a.py": b"", "main.py": b"", "ml.yaml": b"image: pytorch\nentrypoint: a.py\n"}
    lab = publish(viewed_by, files=files)
    assert (lab.image, lab.entrypoint) == ("pytorch", "a.py")
    files["ml.yaml"] = b"flavour: cpu-medium\n"
    viewed_by(ADA).revisions.publish("ada", "digits", base=1, message="", files=tar_of(files))
    lab = viewed_by(ADA).labs.get("ada", "digits")
    assert (lab.image, lab.flavour, lab.entrypoint) == ("pytorch", "cpu-medium", "main.py")


def test_only_who_may_sees_a_lab(viewed_by: As) -> None:
    for visibility in Visibility:
        publish(viewed_by, name=visibility.value, visibility=visibility)
    assert names(viewed_by, None) == ["ada/public"]
    assert names(viewed_by, BOB, owner="ada") == ["ada/signed-in", "ada/public"]
    assert names(viewed_by, ROOT) == ["ada/signed-in", "ada/public"]
    for person in (ADA, ROOT):
        assert len(names(viewed_by, person, owner="ada")) == len(Visibility)
    assert viewed_by(None).labs.get("ada", "unlisted")
    for who in (None, BOB):
        with pytest.raises(NoLab):
            viewed_by(who).labs.get("ada", "private")


def test_only_the_owner_changes_a_lab(viewed_by: As) -> None:
    publish(viewed_by)
    attempts = {
        SignInNeeded: None,
        NotAllowed: BOB,
        TokenTooNarrow: replace(ADA, may_write=False),
    }
    for refusal, person in attempts.items():
        seen = viewed_by(person)
        with pytest.raises(refusal):
            seen.labs.change("ada", "digits", LabChange(title="Mine"))
        with pytest.raises(refusal):
            seen.labs.delete("ada", "digits")
        with pytest.raises(refusal):
            seen.revisions.publish("ada", "digits", base=1, message="", files=tar_of(FILES))
    lab = viewed_by(ADA).labs.change(
        "ada", "digits", LabChange(title="Numbers", tags=("a", "b"), image="base")
    )
    assert (lab.title, lab.tags, lab.image, lab.description) == ("Numbers", ("a", "b"), "base", "")
    lab = viewed_by(ADA).labs.change("ada", "digits", LabChange(tags=("b", "c"), image=""))
    assert (lab.title, lab.tags, lab.image) == ("Numbers", ("b", "c"), None)
    assert names(viewed_by, None, q="numbers c", tag="b") == ["ada/digits"]


def test_lists_go_on_where_they_ended_in_every_order(viewed_by: As) -> None:
    for number in range(11):
        publish(viewed_by, title=f"Lab {number}")
    viewed_by(BOB).forks.fork("ada", "lab-3")
    for sort in Sort:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = viewed_by(None).labs.list(LabQuery(sort=sort, cursor=cursor, limit=4))
            found += [lab.name for lab in page.items]
            cursor = page.next
        assert len(found) == len(set(found)) == 11
        assert found[0] == ("lab-3" if sort in {Sort.FORKS, Sort.TRENDING} else "lab-10")


@pytest.mark.parametrize(
    "q",
    ["50%", "a_b", "ÜBER", "'; drop table labs; --", "\0", '" OR 50', "50*", "NEAR(50 a)", "-50"],
)
def test_what_people_search_for_is_never_a_pattern(viewed_by: As, q: str) -> None:
    publish(viewed_by, title="Plain")
    wanted = publish(viewed_by, title="Über 50% or near a_b '; drop table labs; --")
    if q.strip("\0"):
        assert names(viewed_by, None, q=q) == [wanted.path]
    else:
        assert len(names(viewed_by, None, q=q)) == 2


def test_a_fork_is_found_again_and_knows_its_parent(viewed_by: As) -> None:
    publish(viewed_by, tags=("vision",), image="base")
    fork, is_new = viewed_by(BOB).forks.fork("ada", "digits")
    assert is_new
    assert (fork.path, fork.revision, fork.image, fork.tags) == (
        "bob/digits",
        1,
        "base",
        ("vision",),
    )
    assert fork.parent == Parent("ada", "digits", 1)
    assert viewed_by(BOB).forks.fork("ada", "digits") == (fork, False)
    assert viewed_by(BOB).revisions.read(fork, 1, "README.md") == FILES["README.md"]
    viewed_by(BOB).revisions.publish(
        "bob", "digits", base=1, message="", files=tar_of({"b.py": b""})
    )
    parent = viewed_by(None).labs.get("ada", "digits")
    assert (parent.forks, parent.revision) == (1, 1)
    assert [lab.path for lab in viewed_by(None).forks.list(parent).items] == ["bob/digits"]
    another, _ = viewed_by(BOB).forks.fork("ada", "digits", to="numbers")
    assert another.path == "bob/numbers"


def test_private_forks_count_for_nobody(viewed_by: As) -> None:
    parent = publish(viewed_by)
    viewed_by(BOB).forks.fork("ada", "digits")
    viewed_by(BOB).labs.change("bob", "digits", LabChange(visibility=Visibility.PRIVATE))
    parent = viewed_by(ADA).labs.get("ada", "digits")
    assert parent.forks == 0
    assert viewed_by(ADA).forks.list(parent).items == ()
    assert len(viewed_by(BOB).forks.list(parent).items) == 1
    with pytest.raises(NoLab):
        viewed_by(ADA).forks.fork("bob", "digits")


def test_a_deleted_lab_comes_back_whole(viewed_by: As) -> None:
    lab = publish(viewed_by, tags=("vision",))
    viewed_by(BOB).forks.fork("ada", "digits")
    viewed_by(ADA).labs.delete("ada", "digits")
    with pytest.raises(NoLab):
        viewed_by(ADA).labs.get("ada", "digits")
    fork = viewed_by(None).labs.get("bob", "digits")
    assert fork.parent == Parent("ada", "digits", 1, exists=False)
    assert viewed_by(BOB).trash.list().items == ()
    with pytest.raises(NoLab):
        viewed_by(BOB).trash.restore("ada", "digits")
    assert [gone.path for gone in viewed_by(ADA).trash.list().items] == ["ada/digits"]
    back = viewed_by(ADA).trash.restore("ada", "digits")
    assert (back.tags, back.forks, back.revision) == (lab.tags, 1, 1)
    assert viewed_by(None).revisions.read(back, 1, "data/a.csv") == b"1,2\n"


def test_a_name_in_the_trash_is_free(viewed_by: As) -> None:
    publish(viewed_by)
    viewed_by(ADA).labs.delete("ada", "digits")
    publish(viewed_by, name="digits")
    with pytest.raises(NameTaken):
        viewed_by(ADA).trash.restore("ada", "digits")


def test_the_trash_is_emptied_after_its_days_and_forks_stay(viewed_by: As, tools: Tools) -> None:
    publish(viewed_by)
    publish(viewed_by, BOB, title="Alone")
    viewed_by(BOB).forks.fork("ada", "digits")
    viewed_by(ADA).labs.delete("ada", "digits")
    viewed_by(BOB).labs.delete("bob", "alone")
    assert trash.empty(tools) == 0
    later = replace(tools, clock=lambda: tools.clock() + timedelta(days=31))
    assert trash.empty(later) == 2
    assert len(list(tools.repos.stores())) == 1
    assert viewed_by(ADA).trash.list().items == ()
    fork = viewed_by(None).labs.get("bob", "digits")
    assert fork.parent == Parent("ada", "digits", 1, exists=False)
    assert viewed_by(None).revisions.read(fork, 1, "data/a.csv") == b"1,2\n"


def test_a_private_labs_name_goes_with_it(viewed_by: As, tools: Tools) -> None:
    publish(viewed_by, visibility=Visibility.PRIVATE, title="Secret plan")
    viewed_by(ADA).forks.fork("ada", "secret-plan", to="plan")
    viewed_by(ADA).labs.change("ada", "plan", LabChange(visibility=Visibility.PUBLIC))
    assert viewed_by(None).labs.get("ada", "plan").parent is None
    assert viewed_by(ADA).labs.get("ada", "plan").parent is not None
    viewed_by(ADA).labs.delete("ada", "secret-plan")
    assert viewed_by(None).labs.get("ada", "plan").parent is None
    trash.empty(replace(tools, clock=lambda: tools.clock() + timedelta(days=31)))
    assert viewed_by(None).labs.get("ada", "plan").parent is None


def test_limits_of_a_person(viewed_by: As, tools: Tools) -> None:
    for number in range(30):
        publish(viewed_by, title=f"Lab {number}", files={"a.py": b""})
    with pytest.raises(TooManyLabs, match="30 labs"):
        publish(viewed_by)
    slow = replace(tools, publishes=Rate(count=2, seconds=3600))
    seen = replace(viewed_by(BOB), tools=slow)
    for number in range(2):
        seen.labs.publish(LabDraft(title=f"Lab {number}"), tar_of(FILES))
    with pytest.raises(TooMany, match="Try again in 60 minutes"):
        seen.labs.publish(LabDraft(title="Lab 3"), tar_of(FILES))


def test_people_are_known_by_what_they_publish_and_leave_their_labs_or_not(viewed_by: As) -> None:
    with pytest.raises(NoPerson):
        viewed_by(None).people.get("ada")
    publish(viewed_by)
    publish(viewed_by, visibility=Visibility.PRIVATE)
    assert viewed_by(None).people.get("ada").labs_count == 1
    assert viewed_by(ADA).people.get("ada").labs_count == 2
    with pytest.raises(NotAllowed):
        viewed_by(BOB).people.remove("ada", LabsOfLeaver.TRASH)
    assert viewed_by(ROOT).people.remove("ada", LabsOfLeaver.TRASH) == 2
    assert names(viewed_by, None) == []
    with pytest.raises(NoPerson):
        viewed_by(None).people.get("ada")
    publish(viewed_by, BOB)
    assert viewed_by(ROOT).people.remove("bob", LabsOfLeaver.KEEP) == 0
    assert names(viewed_by, None) == ["bob/digits"]
