"""Proofs that a site's labs run clean: ask for one, and read what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from machinelabs.transport import Transport, understood


@dataclass(frozen=True, slots=True)
class CellResult:
    """What came of one code cell.

    Attributes:
        number: its place in the revision's notebook, from 1.
        same: `same`, `near`, `differs`, `failed`, or `nothing` to compare.
    """

    number: int
    title: str
    same: str
    why: str

    @property
    def is_fine(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.same not in {"differs", "failed"}


@dataclass(frozen=True, slots=True)
class Verification:
    """One run that says whether a revision runs clean.

    Attributes:
        lab: `owner/name`.
        number: of the run in its lab.
        verdict: `pending`, `clean`, `differs`, `failed`, or `void`: it says nothing of the lab.
    """

    lab: str
    number: int
    revision: int
    verdict: str
    sentence: str
    image: str
    url: str
    cells: tuple[CellResult, ...]

    @property
    def is_over(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict != "pending"

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read it from the API's JSON; keys that are unknown here are passed over."""
        cells = (
            CellResult(cell["number"], cell["title"], cell["same"], cell["why"])
            for cell in body["cells"]
        )
        return cls(
            lab=body["lab"],
            number=body["number"],
            revision=body["revision"],
            verdict=body["verdict"],
            sentence=body["sentence"],
            image=body["image"],
            url=body["url"],
            cells=tuple(cells),
        )


class Verifications:
    """The verifications of a site. `lab` is spelled `owner/name`."""

    def __init__(self, *, transport: Transport, path: Callable[[str], str]) -> None:
        self._transport = transport
        self._lab_path = path

    def order(self, lab: str, *, revision: int | None = None) -> Verification:
        """Order a run that verifies a revision; None is the newest."""
        said = {} if revision is None else {"revision": revision}
        body = self._transport.create(f"{self._lab_path(lab)}/verifications", said)
        return understood(lambda: Verification.from_json(body))

    def get(self, lab: str, number: int) -> Verification:
        """Return the verification that the run of this number is."""
        body = self._transport.json("GET", f"{self._lab_path(lab)}/verifications/{number}")
        return understood(lambda: Verification.from_json(body))
