"""What a runner is ordered to do, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

State = Literal["finished", "failed", "stopped"]

MOST_TEXT: Final = 10_000
MOST_LINES: Final = 100
LONGEST_LINE: Final = 2_000
LONGEST_CODE: Final = 100


@dataclass(frozen=True, slots=True)
class Mount:
    """A dataset that the code finds in a folder.

    Attributes:
        place: what the site calls it by.
        dataset: `OWNER/NAME@v3`.
        at: the folder, beside the file that is run.
        size: of all its files, in bytes.
    """

    place: int
    dataset: str
    at: str
    size: int


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be executed.

    Attributes:
        entrypoint: the notebook or script, from the top of the lab's files.
        is_notebook: whether it is executed cell by cell.
        parameters: values by name.
        revision: which revision of the lab it is.
        inputs: names of the files that the code finds in `inputs/`.
        mounts: datasets that it finds in folders.
        number: the run's, within its lab.
        most_bytes: how much it may put out; None: no limit is known.
        most_files: the same, in files.
    """

    entrypoint: str
    is_notebook: bool
    parameters: Mapping[str, Any]
    revision: int
    inputs: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    number: int = 0
    most_bytes: int | None = None
    most_files: int | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read the answer to the exchange of the code."""
        limits = body.get("output_limits") or {}
        return cls(
            entrypoint=str(body["entrypoint"]),
            is_notebook=body["kind"] == "notebook",
            parameters=dict(body.get("parameters") or {}),
            revision=int(body["revision"]),
            inputs=tuple(str(one["name"]) for one in body.get("inputs") or ()),
            mounts=tuple(
                Mount(int(one["place"]), str(one["dataset"]), str(one["at"]), int(one["bytes"]))
                for one in body.get("mounts") or ()
            ),
            number=int(body.get("number") or 0),
            most_bytes=limits.get("bytes"),
            most_files=limits.get("files"),
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run ended as it did; `cell` is an index in the executed notebook.

    `code` is that of the refusal that ended it, for programs.
    """

    sentence: str
    cell: int | None = None
    ename: str = ""
    evalue: str = ""
    traceback: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    state: State
    reason: Reason | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the site takes it."""
        if self.reason is None:
            return {"state": self.state}
        why = self.reason
        reason = {
            "sentence": why.sentence[:MOST_TEXT],
            "code": why.code[:LONGEST_CODE],
            "cell": why.cell,
            "ename": why.ename[:MOST_TEXT],
            "evalue": why.evalue[:MOST_TEXT],
            # Its end says what happened; one of deep recursion has thousands of lines.
            "traceback": [line[:LONGEST_LINE] for line in why.traceback[-MOST_LINES:]],
        }
        return {"state": self.state, "reason": reason}


STOPPED: Final = Ended("stopped", Reason("The run was stopped."))


def failed(sentence: str, code: str = "") -> Ended:
    """Return the end of a run that could not go on; `code`: of the refusal, if it was one."""
    return Ended("failed", Reason(sentence, code=code))
