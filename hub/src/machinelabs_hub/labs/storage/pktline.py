"""What git says when it pushes, and what it is told: lines that begin with their length. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from machinelabs_hub.errors import BadInput

FLUSH: Final = b"0000"
NOTHING: Final = "0" * 40
_LONGEST: Final = 65520
_MOST: Final = 2000
_FACTS: Final = 1
_WORDS: Final = 2


class BadTalk(BadInput):
    """A request that is not as git says it."""

    code = "bad_git_request"

    def __init__(self) -> None:
        super().__init__("This is not how git talks. Push with git itself.")


@dataclass(frozen=True, slots=True)
class Order:
    """One ref that a client wants moved from `old` to `new`; 40 zeros: it is not there."""

    ref: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Push:
    """What a client wants moved; what follows in the request is the pack."""

    orders: tuple[Order, ...]
    abilities: frozenset[str]


def line(text: str | bytes) -> bytes:
    """Return one line."""
    data = text.encode() if isinstance(text, str) else text
    return b"%04x%s" % (len(data) + 4, data)


def advertisement(refs: dict[str, str], abilities: str) -> bytes:
    """Return what a pusher is told of a repository: its refs, the first with our abilities."""
    names = sorted(refs) or ["capabilities^{}"]
    told = [f"{refs.get(name, NOTHING)} {name}" for name in names]
    told[0] += f"\0{abilities}"
    return b"".join(line(f"{each}\n") for each in told) + FLUSH


def read_push(body: BinaryIO) -> Push:
    """Read what a client wants; the body stands at its pack then.

    Raises:
        BadTalk: it is not as git says it.
    """
    orders: list[Order] = []
    abilities: frozenset[str] = frozenset()
    for data in _lines(body):
        text, _, said = data.partition(b"\0")
        if said:
            abilities = frozenset(said.decode("utf-8", "replace").split())
        words = text.decode("utf-8", "replace").rstrip("\n").split(" ", 2)
        if words[0] == "shallow":
            continue
        if len(words) != 3 or not all(_is_id(word) for word in words[:2]):  # noqa: PLR2004
            raise BadTalk
        orders.append(Order(ref=words[2], old=words[0], new=words[1]))
        if len(orders) > _MOST:
            raise BadTalk
    return Push(tuple(orders), abilities)


def report(push: Push, verdicts: dict[str, str], words: Iterable[str]) -> bytes:
    """Return how a push ended.

    Args:
        push: what was wanted.
        verdicts: for each ref why it was refused, or an empty text.
        words: sentences for the pusher's terminal.
    """
    facts = [line("unpack ok\n")]
    for order in push.orders:
        why = verdicts.get(order.ref, "not accepted")
        facts.append(line(f"ng {order.ref} {why}\n" if why else f"ok {order.ref}\n"))
    told = b"".join(facts) + FLUSH if "report-status" in push.abilities else b""
    if "side-band-64k" not in push.abilities:
        return told
    spoken = "".join(f"{text}\n" for text in words).encode()
    return _band(_WORDS, spoken) + _band(_FACTS, told) + FLUSH


def _band(number: int, data: bytes) -> bytes:
    size = _LONGEST - 5
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return b"".join(line(bytes([number]) + piece) for piece in pieces)


def _lines(body: BinaryIO) -> Iterator[bytes]:
    while True:
        head = body.read(4)
        if head in {FLUSH, b""}:
            return
        try:
            size = int(head, 16)
        except ValueError as error:
            raise BadTalk from error
        if not len(FLUSH) < size <= _LONGEST:
            raise BadTalk
        yield body.read(size - len(FLUSH))


def _is_id(text: str) -> bool:
    return len(text) == len(NOTHING) and all(char in "0123456789abcdef" for char in text)
