"""Secrets are made once and stay."""

from pathlib import Path

from machinelabs_hub.sites import Files
from machinelabs_hub.up.secrets import ensure_secrets


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    files = Files(tmp_path)
    assert ensure_secrets(files)
    before = {path.name: path.read_text() for path in files.secrets.iterdir()}
    (files.secrets / "crypt_key").chmod(0o644)
    assert ensure_secrets(files) == []
    assert {path.name: path.read_text() for path in files.secrets.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in files.secrets.iterdir()} == {0o600}
    assert len(set(before.values())) == len(before)


def test_an_empty_secret_is_made_anew(tmp_path: Path) -> None:
    files = Files(tmp_path)
    ensure_secrets(files)
    (files.secrets / "crypt_key").write_text("")
    assert ensure_secrets(files) == ["crypt_key"]
    assert files.secret("crypt_key")
