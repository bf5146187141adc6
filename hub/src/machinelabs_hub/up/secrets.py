"""Make a site's secrets once: one file each, readable by the owner alone."""

import os
import secrets
from pathlib import Path
from typing import Final

from machinelabs_hub.sites import Files

TOKENS: Final = (
    "proxy_token",
    "door_token",
    "cookie_secret",
    "crypt_key",
    "labs_api_token",
    "labs_seal_key",
    "culler_api_token",
    "operator_api_token",
    "sampler_token",
    "run_ticket_key",
)
"""Secrets that programs share: 64 hex digits each."""

ADMIN_PASSWORD: Final = "admin_password"  # noqa: S105
"""The first admin's password, made for people to type."""

# No letters that look alike: the password is read from a terminal.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def ensure_secrets(files: Files) -> list[str]:
    """Make what is missing and close what stands open; return the names of the new ones."""
    files.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.secrets.chmod(0o700)
    made = [name for name in TOKENS if _write_new(files.secrets / name, secrets.token_hex(32))]
    if _write_new(files.secrets / ADMIN_PASSWORD, new_password()):
        made.append(ADMIN_PASSWORD)
    for path in files.secrets.iterdir():
        path.chmod(0o600)
    return made


def new_password() -> str:
    """Return a password of four groups of four letters and digits (79 bits)."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def _write_new(path: Path, text: str) -> bool:
    if path.exists() and path.stat().st_size:
        return False
    # Written aside and renamed: a full disk must not leave half a secret behind.
    aside = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return True
