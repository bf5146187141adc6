"""Titles, tags, licences."""

import pytest

from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.licences import LICENCES


def test_a_title_is_one_line() -> None:
    assert words.check_title("  Digits \n on  MNIST ") == "Digits on MNIST"


@pytest.mark.parametrize("title", ["", "  ", "x" * 201, "a\0b", "a\ud800b", "\x1b[31mred"])
def test_a_title_that_cannot_be_shown_is_refused(title: str) -> None:
    with pytest.raises(words.BadWords):
        words.check_title(title)


def test_tags_have_one_spelling_and_are_there_once() -> None:
    tags = words.check_tags(
        [" Deep  Learning", "deep-learning", "C++", "", "Übung", "scikit-learn"]
    )
    assert tags == ("deep-learning", "c++", "übung", "scikit-learn")


@pytest.mark.parametrize("tag", ["a/b", "x" * 33, "<b>", "-a", "a,b", "#x"])
def test_a_tag_that_could_not_stand_in_an_address_is_refused(tag: str) -> None:
    with pytest.raises(words.BadTag):
        words.tag_of(tag)


def test_ten_tags_are_enough() -> None:
    assert len(words.check_tags([f"t{n}" for n in range(10)])) == 10
    with pytest.raises(words.BadTag, match=r"10 tags. You gave 11"):
        words.check_tags([f"t{n}" for n in range(11)])


def test_licences_are_spdx_identifiers_and_mit_comes_first() -> None:
    assert LICENCES[0].id == "MIT"
    assert words.check_licence("Apache-2.0") == "Apache-2.0"
    with pytest.raises(words.UnknownLicence, match="mit"):
        words.check_licence("mit")
