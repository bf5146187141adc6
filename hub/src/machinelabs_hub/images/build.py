"""Build every image of the catalogue that this engine does not hold yet.

A build is named by the hash of all that it is made of (`machinelabs/<name>:<hash12>`), so the
engine itself is the record: every site on one engine, and every test, shares its builds. Which
of them a site uses stands in `DATA/images.json`.
"""

import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from machinelabs_hub.catalog.load import read_builds
from machinelabs_hub.catalog.model import Build, Catalog
from machinelabs_hub.images import distribution, former, wheels
from machinelabs_hub.images.engine import Engine, pack
from machinelabs_hub.images.errors import DiskFull
from machinelabs_hub.images.recipe import SERVER, Recipe, contents, digest, own_wheels, recipes
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import CHECKOUT, Files, catalog_file

Say = Callable[[str], None]
Context = dict[str, Path | list[Path]]

WORK: Final = CHECKOUT / "build"
"""Our own wheels (`wheels/`), the collected ones (`wheelhouse/`) and the lock of builds."""

_ROOM_MIB: Final = 2048


def build_images(settings: Settings, catalog: Catalog, say: Say) -> dict[str, Build]:
    """Return a build for every image of `catalog`, made now where the engine lacks it.

    Nothing is built twice: where nothing changed this takes well under a second.

    Raises:
        SetupError: a sentence that says what is missing and what to do.
        SettingsError: the catalogue names an image that has no folder.
    """
    folder = catalog_file(settings).parent
    files = Files(settings.data)
    files.logs.mkdir(parents=True, exist_ok=True)
    with Engine(socket=settings.engine.socket) as engine, _alone(say):
        kitchen = _Kitchen(engine=engine, folder=folder, log=files.logs / "images.log", say=say)
        builds = {recipe.name: kitchen.serve(recipe) for recipe in recipes(catalog.images, folder)}
    before = read_builds(files.builds)
    gone = [before[name].tag for name in builds if name in before]
    former.add(files, (tag for tag in gone if tag not in {build.tag for build in builds.values()}))
    rows = {name: asdict(build) for name, build in {**before, **builds}.items()}
    _write(files.builds, json.dumps(rows, indent=1) + "\n")
    return builds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kitchen:
    engine: Engine
    folder: Path
    log: Path
    say: Say

    def serve(self, recipe: Recipe) -> Build:
        """Return the image of `recipe` with our own packages on top."""
        for variant in recipe.variants or (None,):
            stack = _stack(recipe, variant)
            found = self.engine.find(self._tag(recipe, stack))
            if found:
                return found
        stack = self._stack(recipe)
        tag = self._tag(recipe, stack)
        context: Context = {"": self.folder / SERVER, "own": own_wheels(WORK / "wheels")}
        return self._build(recipe.name, tag, context, {"STACK": stack}, network=False)

    def _stack(self, recipe: Recipe) -> str:
        """Return the tag of all of the image but our own packages."""
        tags = [_stack(recipe, variant) for variant in recipe.variants or (None,)]
        for tag in tags:
            if self.engine.find(tag):
                return tag
        store = WORK / "wheelhouse"
        variant = None
        with self._room(recipe.name, store):
            if recipe.variants:
                variant = wheels.choose(
                    recipe.variants, recipe.pins, image=recipe.name, store=store
                )
            chosen = [*recipe.pins, *([variant] if variant else [])]
            context: Context = {"": recipe.folder}
            if chosen:
                self.say(f"Image {recipe.name}: fetching packages")
                house = wheels.collect(chosen, image=recipe.name, store=store)
                context["wheels"] = [*sorted(house.glob("*.whl")), *chosen]
        if recipe.parent:
            arguments = {"PARENT": self._stack(recipe.parent)}
        else:
            arguments = {"DISTRIBUTION": distribution.ensure(self.engine, work=WORK, say=self.say)}
        tag = _stack(recipe, variant)
        self._build(recipe.name, tag, context, arguments, network=recipe.needs_network)
        return tag

    def _tag(self, recipe: Recipe, stack: str) -> str:
        home = self.folder / SERVER
        own = own_wheels(WORK / "wheels")
        start = [stack, digest(own, root=WORK / "wheels")]
        return f"machinelabs/{recipe.name}:{digest(contents(home), root=home, start=start)[:12]}"

    def _build(
        self,
        name: str,
        tag: str,
        context: Context,
        arguments: dict[str, str],
        *,
        network: bool,
    ) -> Build:
        self.say(f"Image {name}: building {tag}")
        started = time.monotonic()
        with self._room(name, WORK), tempfile.TemporaryFile(dir=WORK) as packed:
            pack(context, packed)
            packed.seek(0)
            with self.log.open("a", encoding="utf-8") as log:
                self.engine.build(
                    image=name,
                    tag=tag,
                    context=packed,
                    arguments=arguments,
                    network=network,
                    log=log,
                )
        build = self.engine.find(tag)
        if build is None:
            raise DiskFull(name, str(self.engine.root))
        self.say(f"Image {name}: {build.size_mib} MiB, {time.monotonic() - started:.0f} s")
        return build

    @contextmanager
    def _room(self, name: str, folder: Path) -> Iterator[None]:
        """Say plainly when the disk is full, before it happens where that can be seen."""
        folder.mkdir(parents=True, exist_ok=True)
        for place in (folder, self.engine.root):
            if place.exists() and shutil.disk_usage(place).free < _ROOM_MIB * 2**20:
                raise DiskFull(name, str(place))
        try:
            yield
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DiskFull(name, str(folder)) from error
            raise


def _stack(recipe: Recipe, variant: Path | None) -> str:
    return f"machinelabs/stack-{recipe.name}:{recipe.hash(variant)[:12]}"


@contextmanager
def _alone(say: Say) -> Iterator[None]:
    """Hold the one lock of all builds of this checkout."""
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "images.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Images are being built by another process: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    Path(name).chmod(0o644)
    Path(name).replace(path)
