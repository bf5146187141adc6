"""`machinelabs-hub up`: from a bare DATA folder to a site that people can sign in to."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Final

from machinelabs_hub.catalog.load import load as load_catalog
from machinelabs_hub.catalog.model import Catalog, Image
from machinelabs_hub.db import migrate
from machinelabs_hub.errors import Unavailable
from machinelabs_hub.images.build import build_images
from machinelabs_hub.settings import AuthKind, Settings
from machinelabs_hub.sites import Addresses, Files, catalog_file, database_url
from machinelabs_hub.spawn.network import apply_filter, ensure_network
from machinelabs_hub.up import away, disk, engine, layout, lock, parts, ports
from machinelabs_hub.up.containers import keep_network
from machinelabs_hub.up.journal import Journal
from machinelabs_hub.up.secrets import ADMIN_PASSWORD, ensure_secrets
from machinelabs_hub.up.steps import Steps
from machinelabs_hub.up.supervise import Supervisor

log = logging.getLogger("machinelabs.up")

WORKSHOP_WARNING: Final = (
    "  Warning: auth.kind is workshop. Whoever knows the shared password may sign in as anyone."
)
ONE_ORIGIN_WARNING: Final = (
    "  Warning: single_origin is on. A notebook of one person can act as another who opens it."
)


def up(data: Path, *, port: int | None, host: str | None) -> None:
    """Prepare the site in `data`, run it, and return when a signal ended it.

    Raises:
        SetupError: a sentence that says what is missing and what to do.
        SettingsError: names the file, the line and the key.
    """
    steps = Steps()
    disk.check_room(data)
    settings = layout.prepare(data, port=port, host=host)
    files = Files(settings.data)
    steps.say(f"{settings.site.title}: starting from {settings.data}")
    with lock.only_one(files):
        with layout.writing(settings.data):
            ensure_secrets(files)
            away.write(settings)
            journal = Journal(settings=settings)
            journal.take(log, "up")
        try:
            parts.proxy_program()
            parts.check_gpus(settings)
            ports.check_free(settings)
            has_network = _prepare_engine(settings, steps)
            with steps.step("Database"), layout.writing(settings.data):
                migrate.upgrade(database_url(settings))
            asyncio.run(_supervise(settings, journal, steps, has_network=has_network))
            steps.say("Stopped. The engine and people's notebooks keep running.")
        finally:
            journal.close()


def make_images(data: Path, *, name: str | None = None) -> None:
    """Build the site's images, or one of them with what it stands on.

    Raises:
        UnknownImage: the catalogue has none of this name.
        SetupError: a sentence that says what is missing and what to do.
    """
    steps = Steps()
    settings = layout.prepare(data)
    files = Files(settings.data)
    engine.ensure(settings, steps)
    catalog = load_catalog(catalog_file(settings), files.builds)
    if name:
        catalog = replace(catalog, images=_with_parents(catalog, name))
    with steps.step("Images"):
        build_images(settings, catalog, lambda line: steps.say(f"    {line}"))


def _with_parents(catalog: Catalog, name: str) -> tuple[Image, ...]:
    wanted = [catalog.image(name)]
    while wanted[-1].parent:
        wanted.append(next(row for row in catalog.images if row.name == wanted[-1].parent))
    return tuple(wanted)


def _prepare_engine(settings: Settings, steps: Steps) -> bool:
    """Prepare images, network and filter; False if the engine is away and the site can wait."""
    files = Files(settings.data)
    try:
        engine.ensure(settings, steps)
    except engine.NoEngine as missing:
        if not files.builds.exists():
            raise
        # It may come up late after a reboot; people can sign in and read labs meanwhile.
        steps.say(f"  {missing} Notebooks start once it answers.")
        return False
    with steps.step("Images"):
        if not files.builds.exists():
            disk.check_room(settings.data, need_mib=disk.FIRST_MIB)
        catalog = load_catalog(catalog_file(settings), files.builds)
        build_images(settings, catalog, lambda line: steps.say(f"    {line}"))
    try:
        with steps.step("Containers' network"):
            ensure_network(settings)
            report = apply_filter(settings)
    except Unavailable as away:
        steps.say(f"  {away}")
        return False
    if not report.enforced:
        steps.say(f"  Warning: {report.sentence}")
    return True


async def _supervise(
    settings: Settings, journal: Journal, steps: Steps, *, has_network: bool
) -> None:
    keeping = asyncio.create_task(keep_network(settings, is_there=has_network))
    try:
        supervisor = Supervisor(settings=settings, journal=journal, steps=steps)
        await supervisor.run(greet=lambda: _greet(settings, steps))
    finally:
        keeping.cancel()


def _greet(settings: Settings, steps: Steps) -> None:
    addresses = Addresses(settings)
    lines = ["", f"Ready after {steps.seconds:.1f} s: {addresses.hub}", *_sign_in(settings)]
    if settings.auth.kind is AuthKind.WORKSHOP:
        lines.append(WORKSHOP_WARNING)
    if settings.site.single_origin:
        lines.append(ONE_ORIGIN_WARNING)
    lines += ["  Ctrl-C stops the site; notebooks that run keep running.", ""]
    for line in lines:
        steps.say(line)


def _sign_in(settings: Settings) -> list[str]:
    if settings.auth.kind not in {AuthKind.LOCAL, AuthKind.WORKSHOP}:
        return [f"  Sign in with {settings.auth.oauth.provider_name or settings.auth.kind}."]
    path = Files(settings.data).secrets / ADMIN_PASSWORD
    password = path.read_text(encoding="utf-8").strip()
    return [
        f"  Sign in as:  {settings.site.admin}",
        f"  Password:    {password}",
        f"  It is the first one, kept in {path}; change it on your account page.",
    ]
