"""What the allow-list lets through, and what it does not."""

import pytest

from machinelabs_hub.labs.render.clean import TOO_DEEP, clean, shows_something


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='java\nscript:alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<form action='https://elsewhere.example'><input name=x><button>go</button></form>",
        "<base href='https://elsewhere.example/'>",
        "<meta http-equiv=refresh content='0;url=https://elsewhere.example'>",
        "<link rel=stylesheet href='https://elsewhere.example/x.css'>",
        "<object data=x></object><embed src=x>",
        "<video poster='https://elsewhere.example/x' src='https://elsewhere.example/y'></video>",
        "<input type=image src=x formaction=javascript:alert(1)>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<a href='x' ping='https://elsewhere.example' target=_top>x</a>",
    ],
)
def test_nothing_that_acts_is_left(hostile: str) -> None:
    cleaned = clean(hostile).lower()
    for word in ("<script", "onerror", "onload", "javascript:", "<iframe", "<form", "<input",
                 "<base", "<meta", "<link", "<object", "<embed", "<svg", "<math", "elsewhere",
                 "srcdoc", "ping", "target"):  # fmt: skip
        assert word not in cleaned


def test_an_image_of_another_host_becomes_a_link() -> None:
    cleaned = clean('<img alt="A &quot;cat&quot;" src="https://elsewhere.example/cat.png" width=9>')
    assert "<img" not in cleaned
    assert 'href="https://elsewhere.example/cat.png"' in cleaned
    assert "nofollow noopener noreferrer" in cleaned
    assert "A &quot;cat&quot; (image elsewhere)" in cleaned


def test_words_that_look_like_a_foreign_image_stay_words() -> None:
    text = '&lt;img src="ml-remote:https://elsewhere.example"&gt;'
    assert clean(text) == text
    assert "<a" not in clean("<i title='<img src=\"ml-remote:x\">'>x</i>")


def test_links_to_neighbours_start_at_the_folder_of_the_file() -> None:
    assert 'href="ml-file:data/a%20b.csv"' in clean("<a href='../data/a b.csv'>x</a>", folder="nb")
    assert 'src="ml-raw:nb/plot.png"' in clean("<img src='plot.png'>", folder="nb")
    assert 'href="ml-file:passwd"' in clean("<a href='../../../passwd'>x</a>", folder="nb")


@pytest.mark.parametrize("address", ["/hub/logout", "\\\\host\\x", "ml-raw:../x", "file:///etc"])
def test_addresses_that_are_no_neighbours_lead_nowhere(address: str) -> None:
    assert "href" not in clean(f"<a href='{address}'>x</a>")
    assert "src" not in clean(f"<img src='{address}'>")


def test_ids_and_jumps_to_them_get_a_prefix_of_their_own() -> None:
    assert clean("<p id=main>x</p>") == '<p id="u-main">x</p>'
    assert 'href="#u-main"' in clean("<a href='#main'>x</a>")
    assert "name" not in clean("<a name=login>x</a><img name=cookie>")


def test_classes_of_ours_are_dropped_and_those_of_highlighting_stay() -> None:
    assert clean("<span class='k modal ml-notice'>x</span>") == '<span class="k">x</span>'
    assert clean("<div class='position-fixed'>x</div>") == '<div class="">x</div>'


def test_styles_cannot_place_or_load() -> None:
    style = "position:fixed;inset:0;color:#f00;background-color:url(https://elsewhere.example)"
    assert clean(f"<p style='{style}'>x</p>") == '<p style="color:#f00">x</p>'
    assert clean("<p style='position:fixed'>x</p>") == "<p>x</p>"


def test_what_nests_beyond_reason_is_refused_at_once() -> None:
    assert TOO_DEEP in clean("<div>" * 50_000)
    assert "cell" in clean("<table>" + "<tr><td>cell" * 50_000 + "</table>")


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ("", False),
        ("<p> </p>", False),
        ("text", True),
        ("<div><img src='data:image/png;base64,AA=='></div>", True),
        ("<div><p>a</p></div>", True),
        ("<script>var plot = 1</script><div id=plot></div>", False),
    ],
)
def test_whether_a_reader_sees_something(html: str, seen: bool) -> None:  # noqa: FBT001
    assert shows_something(clean(html)) is seen
