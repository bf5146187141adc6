"""Nobody chooses the address that failed sign-ins are counted for."""

import pytest

from machinelabs_hub.auth.visitor import address_of

LOOPBACK = ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("forwarded", "trusted", "visitor"),
    [
        ([], LOOPBACK, "127.0.0.1"),
        (["203.0.113.9"], LOOPBACK, "203.0.113.9"),
        (["203.0.113.9, 127.0.0.1"], LOOPBACK, "203.0.113.9"),
        (["203.0.113.9,::ffff:127.0.0.1"], LOOPBACK, "203.0.113.9"),
        (["203.0.113.9", "127.0.0.1"], LOOPBACK, "203.0.113.9"),
        (["203.0.113.9, 10.0.0.7"], (*LOOPBACK, "10.0.0.0/24"), "203.0.113.9"),
        (["127.0.0.1, 127.0.0.1"], LOOPBACK, "127.0.0.1"),
    ],
)
def test_the_visitor_is_whom_the_outermost_trusted_proxy_was_asked_by(
    forwarded: list[str], trusted: tuple[str, ...], visitor: str
) -> None:
    assert address_of(forwarded, peer="127.0.0.1", trusted=trusted) == visitor


@pytest.mark.parametrize("invented", ["198.51.100.1", "127.0.0.1", "no address", "::1", ","])
def test_what_a_visitor_sends_along_is_not_believed(invented: str) -> None:
    forwarded = [f"{invented}, 203.0.113.9, 127.0.0.1"]
    assert address_of(forwarded, peer="127.0.0.1", trusted=LOOPBACK) == "203.0.113.9"


def test_a_proxy_that_is_not_trusted_is_the_visitor() -> None:
    assert address_of(["203.0.113.9, 10.0.0.7"], peer="", trusted=LOOPBACK) == "10.0.0.7"
