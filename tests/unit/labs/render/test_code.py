"""Source code in colours."""

import re
import signal
from collections.abc import Iterator
from html import unescape

import pytest
from pygments.token import STANDARD_TYPES

from machinelabs_hub.labs.render import code
from machinelabs_hub.labs.render.clean import clean

HOSTILE = "x = '<script>alert(1)</script>' & \"</span></pre><img src=x onerror=alert(1)>\" # <b>\n"
SPAN = re.compile(r'<span class="[a-z0-9]+">|</span>')
BEGINNINGS = ("", '"', "'", '"""', "/*", "(", ":", 'r"', "`", "<a ", "//", "#")
REPEATED = ("\\", "\\\\", '\\"', "a ", "a.", " \n", "${", "()", '""', "0_", "<", "[", "*/")


@pytest.fixture
def seconds() -> Iterator[None]:
    """End a test that takes ten seconds; one expression of Pygments' can take years."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("language", sorted(code.LANGUAGES))
def test_nothing_but_spans_of_known_classes_is_written(language: str) -> None:
    # So what is written here need not pass the allow-list, and would pass it unchanged.
    html = code.highlight(HOSTILE, language)
    names = set(re.findall(r'<span class="([^"]*)">', html))
    assert "<" not in SPAN.sub("", html)
    assert names <= set(STANDARD_TYPES.values())
    assert html.count("<span") == html.count("</span>")
    assert unescape(SPAN.sub("", html)) == HOSTILE
    assert clean(html) == html


@pytest.mark.usefixtures("seconds")
@pytest.mark.parametrize("language", sorted(code.LANGUAGES))
def test_no_language_looks_at_a_short_text_for_long(language: str) -> None:
    for beginning in BEGINNINGS:
        for unit in REPEATED:
            code.highlight(beginning + unit * (48 // len(unit)) + "!", language)


@pytest.mark.usefixtures("seconds")
def test_what_looks_far_ahead_at_every_step_ends_without_colours() -> None:
    html = code.highlight("def f(): ...\n" + " \n" * 100_000 + "for", "python")
    assert html.startswith('<span class="k">def</span>')
    assert html.endswith(" \nfor")


@pytest.mark.usefixtures("seconds")
def test_code_with_a_very_long_line_has_no_colours() -> None:
    source = "import x\ncase " + "\t" * 200_000 + "&"
    assert code.highlight(source, "python") == source.replace("&", "&amp;")


@pytest.mark.parametrize("language", ["smithy", "scala", "rst", "none", "", "text", "🙂"])
def test_other_languages_are_shown_without_colours(language: str) -> None:
    assert code.highlight("def <x>", language) == "def &lt;x&gt;"


def test_markdown_does_not_colour_what_it_quotes_in_other_languages() -> None:
    html = code.highlight('```smithy\n"' + "\\" * 40 + "\n```\n", "markdown")
    assert "\\" * 40 in html


def test_a_file_has_the_colours_of_its_name() -> None:
    assert code.highlight_file("def f(): ...", "a/main.py").startswith('<span class="k">def')
    assert code.highlight_file("def f(): ...", "main.scala") == "def f(): ..."
