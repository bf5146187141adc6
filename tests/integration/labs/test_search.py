"""Find labs: words, facets, orders, stars, for each reader what they may see and no more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.integration.labs.conftest import As
from tests.support.many_labs import notebook, tar_of

from machinelabs_hub.db.words import folded
from machinelabs_hub.errors import BadInput, NotAllowed
from machinelabs_hub.labs.models.cursor import BadCursor
from machinelabs_hub.labs.models.lab import Lab, LabChange, LabDraft, Visibility
from machinelabs_hub.labs.models.page import LabQuery, Sort
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.people import LabsOfLeaver
from machinelabs_hub.labs.services.reindex import reindex
from machinelabs_hub.labs.services.stars import StarService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, SignInNeeded, TokenTooNarrow
from machinelabs_hub.labs.storage import facets as facet_table
from machinelabs_hub.labs.storage import matches

ADA, BOB = Person("ada", "Ada"), Person("bob", "Bob")
ROOT = Person("root", "Root", admin=True)
PUBLIC, PRIVATE = Visibility.PUBLIC, Visibility.PRIVATE


def publish(viewed_by: As, title: str, *sources: str, person: Person = ADA, **said: Any) -> Lab:
    files = {"main.ipynb": said.pop("book", notebook(*sources))}
    files |= {"README.md": said.pop("readme", "").encode()}
    draft = LabDraft(**{"title": title, "visibility": PUBLIC, **said})
    return viewed_by(person).labs.publish(draft, tar_of(files))


def found(viewed_by: As, person: Person | None = None, **query: Any) -> list[str]:
    return [lab.name for lab in viewed_by(person).search.find(LabQuery(**query)).items]


def walked(viewed_by: As, person: Person | None = None, **query: Any) -> list[str]:
    names, cursor = [], ""
    while True:
        page = viewed_by(person).search.find(LabQuery(**query, cursor=cursor))
        names += [lab.name for lab in page.items]
        if page.next is None:
            return names
        cursor = page.next


def counts(viewed_by: As, facet: str, person: Person | None = None, **query: Any) -> dict[str, int]:
    facets = viewed_by(person).search.facets(LabQuery(**query))
    return {one.value: one.count for one in facets.values[facet]}


def test_a_lab_is_found_by_each_thing_it_says(viewed_by: As) -> None:
    publish(
        viewed_by,
        "Handwritten digits",
        "import sklearn_extra",
        "# the penultimate cell",
        description="How to begin",
        tags=("vision",),
        readme="About zebras",
    )
    publish(viewed_by, "Other")
    for q in ("handwritten", "vision", "begin", "zebras", "penultimate", "sklearn_extra", "ada"):
        everything = {"handwritten-digits", "other"} if q == "ada" else {"handwritten-digits"}
        assert set(found(viewed_by, q=q)) == everything, q
    assert found(viewed_by, q="absent") == []


def test_words_are_found_in_any_order_without_accents_and_the_last_may_be_begun(
    viewed_by: As,
) -> None:
    publish(viewed_by, "Übungen für Anfänger")
    publish(viewed_by, "深度学习")
    for q in ("anfanger ubungen", "ÜBUNGEN", "fur anf", "übung"):
        assert found(viewed_by, q=q) == ["ubungen-fur-anfanger"], q
    assert found(viewed_by, q="anf fur") == []
    assert len(found(viewed_by, q="学习")) == 1


def test_a_title_weighs_more_than_a_cell(viewed_by: As) -> None:
    publish(viewed_by, "Gradient boosting")
    publish(viewed_by, "Notes", "gradient = 1", "boosting = 2")
    publish(viewed_by, "More notes", tags=("gradient", "boosting"))
    assert found(viewed_by, q="gradient boosting") == ["gradient-boosting", "more-notes", "notes"]


def test_what_changes_is_found_and_what_was_is_not(viewed_by: As, tools: Tools) -> None:
    lab = publish(viewed_by, "First words", "alpha = 1")
    context = viewed_by(ADA)
    context.labs.change("ada", "first-words", LabChange(title="Second words", tags=("kept",)))
    assert found(viewed_by, q="first second kept") == ["first-words"]
    files = {"main.ipynb": notebook("beta = 1")}
    context.revisions.publish("ada", lab.name, base=1, message="", files=tar_of(files))
    assert found(viewed_by, q="alpha") == []
    assert found(viewed_by, q="beta kept second") == ["first-words"]
    fork, _ = viewed_by(BOB).forks.fork("ada", lab.name)
    assert {lab.owner for lab in context.search.find(LabQuery(q="beta")).items} == {"ada", "bob"}
    viewed_by(BOB).labs.delete("bob", fork.name)
    assert found(viewed_by, q="beta") == ["first-words"]
    viewed_by(BOB).trash.restore("bob", fork.name)
    assert len(found(viewed_by, q="beta")) == 2


def test_a_purged_lab_leaves_no_word_behind(viewed_by: As, tools: Tools) -> None:
    lab = publish(viewed_by, "Quokka")
    viewed_by(ADA).labs.delete("ada", lab.name)
    assert tools.labs.purge(lab, is_named=False)
    with tools.sessions() as db:
        assert db.execute(text("SELECT count(*) FROM lab_texts")).scalar() == 0
        if db.get_bind().dialect.name == "sqlite":
            match = "SELECT count(*) FROM lab_words WHERE lab_words MATCH 'quokka'"
            assert db.execute(text(match)).scalar() == 0
            # Raises where index and rows differ.
            db.execute(
                text("INSERT INTO lab_words (lab_words, rank) VALUES ('integrity-check', 1)")
            )


def test_a_reindex_brings_the_words_back(viewed_by: As, tools: Tools) -> None:
    publish(viewed_by, "Digits", "xylophone = 1", readme="marimba")
    with tools.sessions() as db:
        db.execute(text("DELETE FROM labs"))
    assert found(viewed_by, q="xylophone") == []
    assert reindex(tools).restored == ["ada/digits"]
    assert found(viewed_by, q="xylophone marimba") == ["digits"]
    assert counts(viewed_by, "language") == {}


def test_nobody_finds_or_counts_what_they_may_not_see(viewed_by: As) -> None:
    group = replace(BOB, groups=("lab-team",))
    for visibility in Visibility:
        publish(viewed_by, f"Quokka {visibility}", visibility=visibility, tags=("quokka",))
    seen = {
        None: {"quokka-public"},
        BOB: {"quokka-public", "quokka-signed-in"},
        group: {"quokka-public", "quokka-signed-in"},
        ROOT: {"quokka-public", "quokka-signed-in"},
        ADA: {f"quokka-{visibility}" for visibility in Visibility},
    }
    for person, names in seen.items():
        for query in ({"q": "quokka"}, {"tag": "quokka"}, {}, {"q": "quok", "sort": Sort.STARS}):
            assert set(found(viewed_by, person, **query)) == names, (person, query)
            assert counts(viewed_by, "tag", person, **query) == {"quokka": len(names)}, (
                person, query,
            )  # fmt: skip


def test_facets_count_what_they_would_leave(viewed_by: As) -> None:
    shows = notebook("1", kilobytes=1)
    r_book = shows.replace(
        b'"metadata": {},\n "nbformat"',
        b'"metadata": {"language_info": {"name": "R"}},\n "nbformat"',
    )
    assert r_book != shows
    publish(viewed_by, "One", book=r_book, tags=("a", "b"), licence="MIT", image="datascience")
    publish(viewed_by, "Two", tags=("a",), licence="Apache-2.0", image="datascience")
    assert counts(viewed_by, "tag") == {"a": 2, "b": 1}
    assert counts(viewed_by, "licence") == {"Apache-2.0": 1, "MIT": 1}
    assert counts(viewed_by, "image") == {"datascience": 2}
    assert counts(viewed_by, "language") == {"r": 1}
    assert counts(viewed_by, "has_outputs") == {"true": 1}
    assert counts(viewed_by, "tag", language="r") == {"a": 1, "b": 1}
    assert counts(viewed_by, "tag", q="two") == {"a": 1}
    assert found(viewed_by, tag="a", licence="MIT", has_outputs=True, language="r") == ["one"]
    assert found(viewed_by, image="datascience", has_outputs=False) == ["two"]


def test_counts_are_bounded_and_say_so(viewed_by: As, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        publish(viewed_by, f"Lab {number}", tags=("a",) if number < 4 else ("b",))
    monkeypatch.setattr(facet_table, "MOST_COUNTED", 3)
    monkeypatch.setattr(matches, "MOST_RANKED", 3)
    for query in (LabQuery(tag="a"), LabQuery(q="lab"), LabQuery(q="lab", sort=Sort.STARS)):
        facets = viewed_by(None).search.facets(query)
        assert facets.is_bounded, query
        assert sum(one.count for one in facets.values["tag"]) == 3, query
    everything = viewed_by(None).search.facets(LabQuery())
    assert not everything.is_bounded
    assert {one.value: one.count for one in everything.values["tag"]} == {"a": 4, "b": 1}


def test_stars_are_counted_once_a_person_and_taken_back(viewed_by: As, tools: Tools) -> None:
    lab = publish(viewed_by, "Digits")
    for person in (ADA, BOB, BOB):
        viewed_by(person).stars.star("ada", "digits")
    assert viewed_by(None).labs.get("ada", "digits").stars == 2
    assert viewed_by(BOB).stars.is_mine(lab)
    assert found(viewed_by, starred_by="bob") == ["digits"]
    assert viewed_by(BOB).stars.unstar("ada", "digits").stars == 1
    assert not viewed_by(BOB).stars.is_mine(lab)
    viewed_by(ROOT).people.remove("ada", LabsOfLeaver.KEEP)
    gone = viewed_by(None).labs.get("ada", "digits")
    assert (gone.stars, gone.trend) == (0, 0.0)


def test_only_who_may_read_a_lab_may_star_it_and_only_admins_feature(viewed_by: As) -> None:
    publish(viewed_by, "Secret", visibility=PRIVATE)
    publish(viewed_by, "Digits")
    with pytest.raises(NoLab):
        viewed_by(BOB).stars.star("ada", "secret")
    with pytest.raises(SignInNeeded):
        viewed_by(None).stars.star("ada", "digits")
    with pytest.raises(TokenTooNarrow):
        viewed_by(replace(BOB, may_write=False)).stars.star("ada", "digits")
    with pytest.raises(NotAllowed):
        viewed_by(ADA).stars.feature("ada", "digits")
    with pytest.raises(BadInput):
        viewed_by(ROOT).stars.feature("ada", "secret")
    viewed_by(ROOT).stars.feature("ada", "digits")
    assert found(viewed_by, is_featured=True) == ["digits"]
    viewed_by(ROOT).stars.unfeature("ada", "digits")
    assert found(viewed_by, is_featured=True) == []


def test_a_star_of_what_is_hidden_later_is_not_shown(viewed_by: As) -> None:
    publish(viewed_by, "Digits")
    viewed_by(BOB).stars.star("ada", "digits")
    viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=PRIVATE))
    for person in (None, BOB, ROOT):
        shown = found(viewed_by, person, starred_by="bob")
        assert shown == (["digits"] if person is ROOT else [])


def test_trending_prefers_what_is_starred_now(tools: Tools, viewed_by: As) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    publish(viewed_by, "Old love")
    publish(viewed_by, "New love")
    publish(viewed_by, "No love")

    def star(name: str, people: int, after: timedelta) -> None:
        late = replace(tools, clock=lambda: start + after)
        for number in range(people):
            person = Person(f"{name}-{number}", "")
            StarService(tools=late, viewer=person).star("ada", name)

    star("old-love", 5, timedelta())
    star("new-love", 2, timedelta(days=9))
    assert found(viewed_by, sort=Sort.TRENDING) == ["new-love", "old-love", "no-love"]
    assert found(viewed_by, sort=Sort.STARS) == ["old-love", "new-love", "no-love"]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("q", ["", "digits"])
def test_pages_follow_each_other_without_a_gap_in_every_order(
    viewed_by: As, tools: Tools, sort: Sort, q: str
) -> None:
    group = replace(BOB, groups=("team",))
    for number in range(13):
        visibility = list(Visibility)[number % 4]
        person = ADA if number % 3 else BOB
        lab = publish(viewed_by, f"Digits {number}", person=person, visibility=visibility)
        for star in range(number % 4):
            tools.stars.put(lab, f"star-{star}", tools.clock())
    for viewer in (None, BOB, group):
        whole = found(viewed_by, viewer, q=q, sort=sort, limit=100)
        assert len(whole) == len(set(whole))
        assert walked(viewed_by, viewer, q=q, sort=sort, limit=2) == whole


def test_a_list_by_relevance_goes_on_where_it_was_when_labs_come_and_go(viewed_by: As) -> None:
    for number in range(9):
        publish(viewed_by, f"Digits {number}", *["digits"] * number)
    whole = found(viewed_by, q="digits", limit=100)
    first = viewed_by(None).search.find(LabQuery(q="digits", limit=4))
    publish(viewed_by, "Digits of the newest")
    publish(viewed_by, "Something else")
    viewed_by(ADA).labs.delete("ada", whole[3])
    rest = viewed_by(None).search.find(LabQuery(q="digits", limit=100, cursor=first.next or ""))
    assert [lab.name for lab in rest.items if lab.name in whole] == whole[4:]


def test_a_cursor_of_another_order_is_refused(viewed_by: As) -> None:
    for number in range(3):
        publish(viewed_by, f"Digits {number}")
    cursor = viewed_by(None).search.find(LabQuery(limit=1)).next or ""
    for query in ({"sort": Sort.STARS}, {"q": "digits"}, {"sort": Sort.TRENDING}):
        with pytest.raises(BadCursor):
            found(viewed_by, cursor=cursor, **query)


def test_of_a_frequent_word_the_newest_labs_are_ranked(
    viewed_by: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        publish(viewed_by, f"Digits {number}")
    monkeypatch.setattr(matches, "MOST_RANKED", 3)
    assert sorted(walked(viewed_by, q="digits", limit=2)) == ["digits-2", "digits-3", "digits-4"]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Île-de-France_2", "ile de france 2"),
        ("NEAR(a b) OR c*", "near a b or c"),
        ("\"'`--;\0", ""),
        ("Straße ﬁne", "strasse fine"),
        ("हिन्दी", "हिन्दी"),
        ("学习 ab", "学 习 ab"),
    ],
)
def test_words_are_folded(written: str, words: str) -> None:
    assert folded(written) == words
