"""Keep what the site's processes say: a rotated file each in DATA/logs, without secrets."""

import logging
import re
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files
from machinelabs_hub.up.secrets import ADMIN_PASSWORD, TOKENS

_NAMED: Final = re.compile(
    r"(?i)\b((?:access_|refresh_|id_|api_)?token|code|state|password|passwd|client_secret|secret"
    r"|_xsrf|ticket)(=|%3D)([^&\s\"'<>]+)"
)
_HEADER: Final = re.compile(
    r"(?i)\b(authorization|cookie|set-cookie|x-xsrftoken)([\"']?\s*[:=]\s*).+"
)
_BEARER: Final = re.compile(r"(?i)\b(bearer|token)\s+[A-Za-z0-9._~+/-]{16,}=*")
_IN_PATH: Final = re.compile(r"(/(?:invitation|invite|reset|join)/)[A-Za-z0-9._~-]{8,}")
_ADDRESS: Final = re.compile(r"(://[^/\s:@]+:)[^/\s@]+@")


class Scrubber:
    """Takes secrets out of a line: the site's own by value, others by how they are written."""

    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]

    def clean(self, line: str) -> str:
        """Return `line` with each secret replaced by `[secret]`."""
        for secret in self._secrets:
            line = line.replace(secret, "[secret]")
        line = _HEADER.sub(r"\1\2[secret]", line)
        line = _NAMED.sub(r"\1\2[secret]", line)
        line = _BEARER.sub(r"\1 [secret]", line)
        line = _IN_PATH.sub(r"\1[secret]", line)
        return _ADDRESS.sub(r"\1[secret]@", line)


class Journal:
    """Opens the logs of one site."""

    def __init__(self, *, settings: Settings) -> None:
        self._files = Files(settings.data)
        self._logs = settings.logs
        self._handlers: list[logging.Handler] = []
        self._scrubber = Scrubber(secrets=known_secrets(self._files))

    def open(self, name: str) -> "Channel":
        """Return the log of the process called `name`."""
        handler = self._handler(self._files.logs / f"{name}.log")
        handler.setFormatter(logging.Formatter("%(message)s"))
        return Channel(handler=handler, scrubber=self._scrubber)

    def take(self, log: logging.Logger, name: str) -> None:
        """Write what `log` is told into the file called `name`, with the time."""
        handler = self._handler(self._files.logs / f"{name}.log")
        handler.setFormatter(_Scrubbing(self._scrubber))
        log.addHandler(handler)
        log.setLevel(self._logs.level)
        log.propagate = False

    def close(self) -> None:
        """Close every file."""
        for handler in self._handlers:
            handler.close()

    def _handler(self, path: Path) -> RotatingFileHandler:
        handler = RotatingFileHandler(
            path,
            maxBytes=self._logs.file_mib * 2**20,
            backupCount=self._logs.files,
            encoding="utf-8",
            errors="replace",
        )
        path.chmod(0o600)
        self._handlers.append(handler)
        return handler


class Channel:
    """Where the lines of one process go."""

    def __init__(self, *, handler: logging.Handler, scrubber: Scrubber) -> None:
        self._handler = handler
        self._scrubber = scrubber
        self.last: list[str] = []

    def write(self, line: str) -> None:
        """Keep one line."""
        line = self._scrubber.clean(line)
        self.last = [*self.last[-19:], line]
        self._handler.handle(logging.LogRecord("", logging.INFO, "", 0, line, None, None))


class _Scrubbing(logging.Formatter):
    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return self._scrubber.clean(super().format(record))


def known_secrets(files: Files) -> list[str]:
    """Return the values of the site's own secrets."""
    paths = [files.secrets / name for name in (*TOKENS, ADMIN_PASSWORD)]
    return [path.read_text(encoding="utf-8").strip() for path in paths if path.exists()]
