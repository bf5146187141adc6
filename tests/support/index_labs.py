"""Fill the index of labs by the hundred thousand: rows and words alone, without content."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from tests.support.many_labs import METHODS, PEOPLE, WORDS

from machinelabs_hub.db.tables.labs import LabRow, LabTagRow
from machinelabs_hub.db.tables.search import LabTextRow
from machinelabs_hub.db.tables.verifications import VerificationRow
from machinelabs_hub.db.words import folded
from machinelabs_hub.labs.models.verification import Same, Verdict
from machinelabs_hub.labs.services.tools import Tools

_BATCH = 5000
_CELLS = 8
_VOCABULARY = 20_000
_WORDS_IN_A_NOTEBOOK = 120
_IMAGES = (None, "datascience", "pytorch", "minimal")
_LICENCES = ("MIT", "Apache-2.0", "CC-BY-4.0", "BSD-3-Clause")
_LANGUAGES = ("python", "python", "python", "r", "julia")
_BEGUN = datetime(2025, 1, 1, tzinfo=UTC)


def index_many(tools: Tools, number: int, *, seed: int = 7) -> None:
    """Index `number` labs with the words of a small notebook each.

    One in ten is private, every other is verified to run clean.
    """
    dice = random.Random(seed)  # noqa: S311 - for variety, not secrecy
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["".join(dice.choices(letters, k=dice.randint(3, 9))) for _ in range(_VOCABULARY)]
    # Words of a language: the first are frequent, the last are rare.
    weights = [1 / (place + 5) for place in range(_VOCABULARY)]
    for first in range(0, number, _BATCH):
        labs, tags, texts = [], [], []
        for serial in range(first, min(number, first + _BATCH)):
            thing, method = dice.choice(WORDS), dice.choice(METHODS)
            labs.append(_lab(dice, serial, thing, method))
            tags.append((thing, method))
            body = dice.choices(vocabulary, weights, k=_WORDS_IN_A_NOTEBOOK)
            texts.append(f"import {method} load {thing} {' '.join(body)}")
        _add(tools, labs, tags, texts)


def _lab(dice: random.Random, serial: int, thing: str, method: str) -> dict[str, Any]:
    at = _BEGUN + timedelta(minutes=serial)
    return {
        "uid": f"index-{serial}",
        "store": f"index-{serial}",
        "owner": f"person-{serial % PEOPLE:02d}",
        "name": f"{thing}-{method}-{serial}",
        "title": f"{thing.title()} with {method} {serial}",
        "description": f"How {method} does on {thing}, and why.",
        "visibility": "private" if serial % 10 == 9 else "public",
        "licence": dice.choice(_LICENCES),
        "image": dice.choice(_IMAGES),
        "language": dice.choice(_LANGUAGES),
        "has_outputs": bool(dice.randrange(3)),
        "runs_clean": dice.choice((True, None)),
        "revision": 1,
        "files_count": 1,
        "size_bytes": 5000,
        "forks": int(dice.paretovariate(1.2)) - 1,
        "stars": int(dice.paretovariate(1.1)) - 1,
        "trend": dice.random() * 700,
        "created_at": at,
        "updated_at": at + timedelta(minutes=dice.randrange(10_000)),
    }


def _add(
    tools: Tools, labs: list[dict[str, Any]], tags: list[tuple[str, str]], texts: list[str]
) -> None:
    with tools.sessions() as db:
        ids = list(
            db.scalars(insert(LabRow).returning(LabRow.id, sort_by_parameter_order=True), labs)
        )
        db.execute(insert(LabTagRow), list(_tag_rows(ids, tags)))
        rows = [
            {
                "lab_id": row,
                "heading": folded(f"{lab['owner']} {lab['name']} {lab['title']}"),
                "tags": folded(" ".join(named)),
                "about": folded(lab["description"]),
                "readme": "",
                "notebook": text,
            }
            for row, lab, named, text in zip(ids, labs, tags, texts, strict=True)
        ]
        db.execute(insert(LabTextRow), rows)
        proofs = [_proof(row, lab) for row, lab in zip(ids, labs, strict=True) if lab["runs_clean"]]
        db.execute(insert(VerificationRow), proofs)


def _proof(row: int, lab: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a verification that found a lab clean, and whose run is deleted."""
    return {
        "lab_id": row,
        "number": 1,
        "revision": lab["revision"],
        "person": lab["owner"],
        "asked_at": lab["created_at"],
        "ended_at": lab["updated_at"],
        "verdict": Verdict.CLEAN,
        "path": "notebook.ipynb",
        "image": lab["image"] or "datascience",
        "flavour": "cpu-small",
        "inputs": {},
        "cells": [
            {"number": number, "title": "import numpy as np", "same": Same.SAME, "why": ""}
            for number in range(1, _CELLS + 1)
        ],
    }


def _tag_rows(ids: list[int], tags: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    for row, named in zip(ids, tags, strict=True):
        for position, tag in enumerate(named):
            yield {"lab_id": row, "tag": tag, "position": position}
