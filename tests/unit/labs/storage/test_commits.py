"""What a commit says of its revision."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.storage.commits import Stamp, from_message, to_message

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=200).map(str.strip)
)
def test_what_a_person_says_cannot_pass_for_what_we_say(message: str) -> None:
    forged = f"{message}\n\nLab: eve/x\nLab-Id: evil\nRevision: 99"
    for said in (message, forged):
        stamp = Stamp("uid", 3, "ada", NOW, said.strip(), 2, 10, "ada/digits")
        assert from_message(to_message(stamp)) == stamp


def test_a_commit_of_others_is_none_of_ours() -> None:
    assert from_message("Fix it\n\nSigned-off-by: Eve") is None
    assert from_message("") is None
