"""`ETag` and `If-Match`: change a lab, a run or a dataset only as it was when it was read."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated

from fastapi import Header

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.dataset import Dataset
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run

IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=1000,
        description="The `ETag` as you read it: refused with 412 if it changed since.",
    ),
]


class Stale(MachineLabsError):
    """The lab, the run or the dataset is not as it was when it was read."""

    code = "stale"
    status = HTTPStatus.PRECONDITION_FAILED

    def __init__(self, called: str) -> None:
        super().__init__(f"{called} was changed meanwhile. Read it again and repeat the change.")


def etag(lab: Lab) -> str:
    """Return the ETag of a lab: it changes with its details and its revisions."""
    text = f"{lab.uid} {lab.path} {lab.revision} {lab.updated_at.isoformat()}"
    return _tag(text)


def etag_of_run(run: Run) -> str:
    """Return the ETag of a run: it changes with what people may change of it, not as it goes on."""
    return _tag(json.dumps([run.id, run.name, run.note, str(run.hidden_at)]))


def etag_of_dataset(dataset: Dataset) -> str:
    """Return the ETag of a dataset: it changes with its details and its versions."""
    text = f"dataset {dataset.id} {dataset.path} {dataset.version}"
    return _tag(f"{text} {dataset.updated_at.isoformat()}")


@contextmanager
def matched(ctx: Context, owner: str, name: str, if_match: str) -> Iterator[None]:
    """Do the block only if the lab is as `if_match` has it; nobody else changes it meanwhile.

    Raises:
        Stale: it is not.
    """
    if not if_match.strip():
        yield
        return
    lab = ctx.labs.get(owner, name)
    with ctx.tools.locks.hold(lab.uid):
        lab = ctx.labs.get(owner, name)
        if not _is_among(if_match, etag(lab)):
            raise Stale(lab.path)
        yield


@contextmanager
def matched_run(ctx: Context, lab: Lab, number: int, if_match: str) -> Iterator[None]:
    """Do the block only if the run is as `if_match` has it; nobody else changes it meanwhile.

    Raises:
        Stale: it is not.
    """
    with ctx.tools.locks.hold(f"run {ctx.runs.get(lab, number).id}"):
        run = ctx.runs.get(lab, number)
        if if_match.strip() and not _is_among(if_match, etag_of_run(run)):
            raise Stale(run.called)
        yield


@contextmanager
def matched_dataset(ctx: Context, owner: str, name: str, if_match: str) -> Iterator[None]:
    """Do the block only if the dataset is as `if_match` has it; nobody else changes it meanwhile.

    Raises:
        Stale: it is not.
    """
    if not if_match.strip():
        yield
        return
    with ctx.tools.locks.hold(f"dataset {owner}/{name}"):
        dataset = ctx.datasets.get(owner, name)
        if not _is_among(if_match, etag_of_dataset(dataset)):
            raise Stale(dataset.path)
        yield


def _is_among(if_match: str, tag: str) -> bool:
    return bool({one.strip() for one in if_match.split(",")} & {"*", tag})


def _tag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
