"""Published files as HTML: rendered once for each content, then read from the cache."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.dataset import DatasetFile
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.revision import FileEntry
from machinelabs_hub.labs.models.run import RunOutput
from machinelabs_hub.labs.models.sizes import size
from machinelabs_hub.labs.render import cards, files
from machinelabs_hub.labs.render.cache import RenderCache
from machinelabs_hub.labs.render.links import Address, fill
from machinelabs_hub.sites import Files

_FACE_UP_TO = 20 << 20
_SHOWN_WHOLE = {
    files.Kind.NOTEBOOK: "notebook",
    files.Kind.MARKDOWN: "text",
    files.Kind.IMAGE: "image",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """A file as HTML; `pieces` is None where there is nothing to see.

    `title` and `why` then say so: what is, and what to do. Where it `reads_parquet`, a script of
    the page fills it.
    """

    pieces: Iterator[str] | None
    title: str = ""
    why: str = ""
    reads_parquet: bool = False


@dataclass(frozen=True, slots=True)
class Face:
    """What a card shows: the first plot, which has an address of its own, or lines."""

    has_plot: bool
    lines: tuple[str, ...]


def shelf_of(ctx: Context) -> "Shelf":
    """Return the one shelf of this process."""
    return _shelf(ctx.settings.data)


@lru_cache(maxsize=4)
def _shelf(data: Path) -> "Shelf":
    return Shelf(cache=RenderCache(folder=Files(data).labs / "cache"))


class Shelf:
    """Shows the files of revisions that the reader may see: the services decided that before."""

    def __init__(self, *, cache: RenderCache) -> None:
        self._cache = cache

    def preview(
        self, ctx: Context, lab: Lab, number: int, entry: FileEntry, address: Address
    ) -> Preview:
        """Return a file of a revision as HTML, its links to neighbours pointing to `address`."""

        def read(most: int) -> bytes:
            return _beginning(ctx, lab, number, entry, most)

        return self._preview(entry.path, entry.size, entry.blob, read, address)

    def of_run(self, ctx: Context, output: RunOutput, address: Address) -> Preview:
        """Return a file that a run put out, or its executed notebook, as HTML."""

        def read(most: int) -> bytes:
            return b"".join(ctx.runs.content(output, size=min(most, output.size)))

        return self._preview(output.path, output.size, output.sha256, read, address)

    def of_dataset(self, ctx: Context, file: DatasetFile, address: Address) -> Preview:
        """Return a file of a dataset as HTML."""

        def read(most: int) -> bytes:
            return b"".join(ctx.datasets.content(file, size=min(most, file.size)))

        return self._preview(file.path, file.size, file.sha256, read, address)

    def _preview(
        self, path: str, count: int, content: str, read: Callable[[int], bytes], address: Address
    ) -> Preview:
        """Return `count` bytes as HTML, kept under the name of their `content`."""
        folder, _, name = path.rpartition("/")
        kind = files.kind_of(name)
        player = files.player(path)
        if player is not None:
            return Preview(iter([fill(player, address)]))
        table = files.parquet(path, count)
        if table is not None:
            return Preview(iter([fill(table, address)]), reads_parquet=True)
        if kind is files.Kind.BINARY:
            return Preview(None, "There is no preview of this kind of file")
        most = files.shown_up_to(kind)
        whole = count <= most
        if not whole and kind in _SHOWN_WHOLE:
            return _too_large(count, _SHOWN_WHOLE[kind], most)
        if kind is files.Kind.IMAGE:
            return Preview(fill(piece, address) for piece in files.show(path, b""))
        key = self._cache.key(content, folder, name, str(most))
        pieces = self._cache.read(key)
        if pieces is None:
            pieces = self._cache.keep(key, files.show(path, read(most), whole=whole))
        return Preview(fill(piece, address) for piece in pieces)

    def face(self, ctx: Context, lab: Lab) -> Face:
        """Return what the card of a lab's newest revision shows."""
        if lab.entrypoint is None:
            return Face(has_plot=False, lines=())
        kept = self._cache.read(self._key("face", lab))
        if kept is not None:
            has_plot, lines = json.loads("".join(kept))
            return Face(has_plot, tuple(lines))
        card = self._card(ctx, lab, lab.entrypoint)
        return Face(card.plot is not None, card.lines)

    def plot(self, ctx: Context, lab: Lab) -> cards.Plot | None:
        """Return the first plot of a lab's newest revision, or None."""
        if lab.entrypoint is None:
            return None
        kept = self._cache.read(self._key("plot", lab))
        if kept is None:
            return self._card(ctx, lab, lab.entrypoint).plot
        mime, _, packed = "".join(kept).partition(" ")
        return cards.Plot(mime, base64.b64decode(packed))

    def _card(self, ctx: Context, lab: Lab, path: str) -> cards.Card:
        entry = ctx.revisions.file(lab, lab.revision, path)
        card = cards.Card(None, ())
        if entry.size <= _FACE_UP_TO:
            content = _beginning(ctx, lab, lab.revision, entry, _FACE_UP_TO)
            card = cards.face(entry.path, content)
        if card.plot:
            plot = f"{card.plot.mime} {base64.b64encode(card.plot.content).decode()}"
            self._keep(self._key("plot", lab), plot)
        self._keep(self._key("face", lab), json.dumps([card.plot is not None, card.lines]))
        return card

    def _key(self, kind: str, lab: Lab) -> str:
        return self._cache.key(kind, lab.uid, str(lab.revision))

    def _keep(self, key: str, text: str) -> None:
        for _ in self._cache.keep(key, iter([text])):
            pass


def _beginning(ctx: Context, lab: Lab, number: int, entry: FileEntry, most: int) -> bytes:
    if entry.size <= most:
        return ctx.revisions.read(lab, number, entry.path, most=most)
    _, pieces = ctx.revisions.open(lab, number, entry.path)
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= most:
            break
    return bytes(held[:most])


def _too_large(count: int, word: str, most: int) -> Preview:
    return Preview(
        None,
        f"This {word} is too large to be shown here",
        f"It has {size(count)}, and a page shows {word}s of up to {size(most)}. Download it, "
        "or open the lab to see it in JupyterLab.",
    )
