"""Secrets never reach a log."""

import pytest

from machinelabs_hub.up.journal import Scrubber


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("GET /user/a/?token=abcdef123 200", "abcdef123"),
        ("GET /hub/api/oauth2/authorize?code=Zx9&state=eyJ", "Zx9"),
        ("Authorization: token 0123456789abcdef0123", "0123456789abcdef0123"),
        ("'Cookie': 'jupyterhub-session-id=abc; x=y'", "abc"),
        ("sent Bearer abcdefabcdefabcdef12", "abcdefabcdefabcdef12"),
        ("postgresql+psycopg://ml:hunter2@db/ml refused", "hunter2"),
        ("GET /hub/invitation/AbCdEfGh123456", "AbCdEfGh123456"),
        ("_xsrf=MnwxfDA6 in the form", "MnwxfDA6"),
        ("the value s3cr3t-of-the-site was seen", "s3cr3t-of-the-site"),
    ],
)
def test_a_secret_is_taken_out(line: str, secret: str) -> None:
    cleaned = Scrubber(secrets=["s3cr3t-of-the-site"]).clean(line)
    assert secret not in cleaned
    assert "[secret]" in cleaned


def test_an_ordinary_line_stays_as_it_is() -> None:
    line = "[I 2026-01-01] 200 GET /hub/home (ada@127.0.0.1) 26.47ms"
    assert Scrubber().clean(line) == line
