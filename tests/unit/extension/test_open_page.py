"""Who may make this server lay files by an address alone."""

import pytest

from jupyterlab_machinelabs.open_page import came_from_here

OWN = "http://labs--service.ml.example:8000/services/labs"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
def test_a_navigation_within_the_site_is_obeyed(site: str) -> None:
    assert came_from_here({**NAVIGATION, "Sec-Fetch-Site": site}, own=OWN)


@pytest.mark.parametrize(
    "headers",
    [
        {**NAVIGATION, "Sec-Fetch-Site": "cross-site"},
        {**NAVIGATION, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"},
        {**NAVIGATION},
        {},
        {"Referer": "http://evil.example/"},
        {"Referer": "http://labs--service.ml.example:8000.evil.example/"},
        {"Referer": "https://labs--service.ml.example:8000/x"},
    ],
)
def test_anything_else_is_asked_about(headers: dict[str, str]) -> None:
    assert not came_from_here(headers, own=OWN)


def test_where_browsers_say_nothing_the_page_before_vouches() -> None:
    assert came_from_here({"Referer": "http://labs--service.ml.example:8000/"}, own=OWN)
    assert not came_from_here({"Referer": ""}, own="")
