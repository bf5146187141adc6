"""The look of the Hub's pages comes in files that browsers keep."""

import re


def test_a_page_names_its_look_by_what_it_is_and_browsers_keep_it(hub):
    client = hub.client()
    page = client.get("/hub/login").text
    sheet = re.search(r'href="(/hub/look/[0-9a-f]{12}/site\.css)"', page)
    assert sheet, page[:2000]
    given = client.get(sheet[1])
    assert given.headers["Content-Type"].startswith("text/css")
    assert "immutable" in given.headers["Cache-Control"]
    assert "--ml-brand" in given.text
    old = client.get("/hub/look/000000000000/site.css")
    assert old.headers["Cache-Control"] == "no-cache"
    assert old.text == given.text


def test_the_look_gives_nothing_else(hub):
    client = hub.client()
    assert client.get("/hub/look/000000000000/page.html").status_code == 404
    assert client.get("/hub/look/000000000000/__init__.py").status_code == 404
