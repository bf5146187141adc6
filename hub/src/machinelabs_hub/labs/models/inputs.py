"""Inputs: files that a run finds in `inputs/`, and where each of them comes from. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from machinelabs_hub.labs.models import dataset
from machinelabs_hub.labs.models.paths import fault_of

FOLDER: Final = "inputs"
MOST: Final = 100
LONGEST_URL: Final = 2000
RUN: Final = "run:"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_RUN_FILE: Final = re.compile(r"run:([^/#\s]+)/([^/#\s]+)#([1-9][0-9]{0,8})/(.+)", re.DOTALL)
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file that another run put out."""

    owner: str
    lab: str
    number: int
    path: str


@dataclass(frozen=True, slots=True)
class Input:
    """What an `ml.yaml` asks for.

    Attributes:
        name: where it lies below `inputs/`.
        url: `https://…`, `http://…`, `run:OWNER/LAB#12/PATH` or `dataset:OWNER/NAME@v3/PATH`.
        sha256: what it must be, in hex; empty: whatever comes.
    """

    name: str
    url: str
    sha256: str = ""

    @property
    def run_file(self) -> RunFile | None:
        """The file of a run that it is; None: it comes from the web."""
        found = _RUN_FILE.fullmatch(self.url)
        return RunFile(found[1], found[2], int(found[3]), found[4]) if found else None


@dataclass(frozen=True, slots=True)
class RunInput:
    """An input of one run.

    Attributes:
        asked: the sha256 that it must have; empty: any.
        sha256: of the content that the run got or is to get; empty: it is not known yet.
        size: that content's.
    """

    name: str
    url: str
    asked: str
    sha256: str
    size: int

    @property
    def is_ours(self) -> bool:
        """Whether its content is the site's: another run put it out, or a dataset holds it."""
        return self.url.startswith((RUN, dataset.SCHEME))


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address of the web held when it was asked last."""

    sha256: str
    size: int
    etag: str
    last_modified: str
    at: datetime


def name_fault(name: str) -> str | None:
    """Return what is wrong with an input's name, as the rest of a sentence, or None."""
    return fault_of(name)


def url_fault(url: str) -> str | None:
    """Return what is wrong with an address, as a sentence, or None."""
    if url.startswith(RUN):
        if not _RUN_FILE.fullmatch(url):
            return "write a run's file as `run:OWNER/LAB#12/model.pt`."
        return fault_of(url.partition("#")[2].partition("/")[2])
    if url.startswith(dataset.SCHEME):
        return dataset.url_fault(url)
    return _web_fault(url)


def _web_fault(url: str) -> str | None:
    if len(url) > LONGEST_URL or not _VISIBLE.fullmatch(url):
        return f"an address has at most {LONGEST_URL} characters; write spaces and accents as %20."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "this is no address."
    if parts.scheme not in {"http", "https"} or not host:
        return "it has to begin with `https://`, `http://`, `run:` or `dataset:`."
    if parts.username is not None or parts.password is not None:
        return "who may read the lab would read this password. Leave it out of the address."
    return None


def sha256_fault(sha256: str) -> str | None:
    """Return what is wrong with a digest, as a sentence, or None."""
    return None if _SHA256.fullmatch(sha256) else "a SHA-256 has 64 digits from 0 to 9 and a to f."
