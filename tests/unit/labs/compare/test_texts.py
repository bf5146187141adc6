"""Texts that foreign code wrote are compared in a moment, whatever is in them."""

import time

import pytest

from machinelabs_hub.labs.compare.results import compare_cells
from machinelabs_hub.labs.compare.texts import Near, compare_texts, text_of_html

MOMENT = 1.5


@pytest.mark.parametrize("piece", ["<![", "<a ", "<!--", "<", "<a \"'", "<script>", "&#", "<a b='"])
def test_broken_html_is_read_in_a_moment(piece: str) -> None:
    begun = time.process_time()
    text_of_html(piece * 40_000)
    assert time.process_time() - begun < MOMENT


def test_html_says_its_words_without_tags_comments_scripts_and_styles() -> None:
    html = (
        "<style>td { color: red }</style><table data-of='a > b'><TR><th>loss</th>"
        '<td title="x">0.5 &lt; 1</td></tr></table><!-- <p>no</p> --><![if IE]>'
        "<script>var a = '<p>no</p>'</script><p>done</p>"
    )
    assert text_of_html(html).split("\n") == ["", " loss 0.5 < 1", "done"]


def test_a_sign_of_many_digits_stays_as_it_is_written() -> None:
    assert text_of_html(f"<p>&#{'1' * 5000};</p>").strip().startswith("&#111")


def test_a_power_of_many_digits_is_a_number_as_others() -> None:
    zeros = "0" * 5000
    assert compare_texts(f"1.5e{zeros}1", f"1.5e{zeros}2")[0] is Near.FAR
    assert compare_texts(f"1.50000e{zeros}1", f"1.50001e{zeros}1")[0] is Near.NEAR


def test_what_is_told_of_a_cell_can_be_written() -> None:
    def cell(said: str) -> dict[str, object]:
        output = {"output_type": "stream", "name": "stdout", "text": said}
        return {"cell_type": "code", "source": "x = '\ud800'", "outputs": [output]}

    found = compare_cells([cell("a \udfff")], [cell("b \udfff")])
    assert found[0].title.encode() == b"x = '?'"
    assert found[0].why.encode().startswith(b"It shows")
