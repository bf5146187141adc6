"""`machinelabs-hub check`: what is well with a site, what is not, and what to do about it."""

from collections.abc import Iterator
from pathlib import Path

import httpx

from machinelabs_hub.catalog.load import load as load_catalog
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.gpu.model import Health
from machinelabs_hub.gpu.sampling import SamplerAway, SamplerClient
from machinelabs_hub.gpu_settings import GpuSource
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Addresses, Files, catalog_file
from machinelabs_hub.spawn.network import apply_filter, ensure_network
from machinelabs_hub.up import disk, engine, index, kept, layout, lock, parts, ports, swarm
from machinelabs_hub.up.findings import Finding, Level


def check(data: Path, *, repair: bool = False) -> int:
    """Print the findings; return 1 if one of them is bad.

    Args:
        data: the site's folder.
        repair: make the index of labs agree with the stores first.
    """
    try:
        settings = layout.find(data)
    except MachineLabsError as error:
        print(f"{Level.BAD:<5} settings: {error}")
        return 1
    worst = 0
    mended = tuple(index.repaired(settings)) if repair else ()
    for finding in (*mended, *find(settings)):
        print(f"{finding.level:<5} {finding.subject}: {finding.sentence}", flush=True)
        worst = max(worst, int(finding.level is Level.BAD))
    return worst


def find(settings: Settings) -> Iterator[Finding]:
    """Look at each thing that a site stands on."""
    yield Finding(Level.OK, "settings", f"{settings.data / layout.SETTINGS} can be used.")
    yield _disk(settings)
    yield _proxy_program()
    if not engine.may_ask(settings.engine.socket):
        yield Finding(Level.BAD, "engine", engine.not_yours(settings.engine.socket))
    elif engine.answers(settings.engine.socket):
        yield Finding(Level.OK, "engine", f"It answers at {settings.engine.socket}.")
        yield _network(settings)
        yield _filter(settings)
    else:
        yield Finding(
            Level.BAD,
            "engine",
            f"None answers at {settings.engine.socket}. Start it (`systemctl start docker`), or "
            "let `make run` install one.",
        )
    yield from _images(settings)
    yield from index.compared(settings)
    yield from kept.compared(settings)
    is_running = lock.holder(Files(settings.data).run / lock.LOCK) is not None
    yield from _answers(settings) if is_running else _ports(settings)
    if is_running and parts.samples_gpus(settings):
        yield from _gpus(settings)
    if settings.gpus.source is GpuSource.SWARM:
        yield from swarm.find(settings)


def _disk(settings: Settings) -> Finding:
    free = disk.free_mib(settings.data)
    if free < disk.LEAST_MIB:
        return Finding(Level.BAD, "disk", f"{free} MiB are left. Free some space.")
    level = Level.OK if free >= disk.FIRST_MIB else Level.WARN
    advice = "" if level is Level.OK else " A new image may not find room; free some space."
    return Finding(level, "disk", f"{free} MiB are left for {settings.data}.{advice}")


def _proxy_program() -> Finding:
    try:
        return Finding(Level.OK, "proxy program", f"{parts.proxy_program()} is installed.")
    except MachineLabsError as error:
        return Finding(Level.BAD, "proxy program", str(error))


def _network(settings: Settings) -> Finding:
    try:
        ensure_network(settings)
    except MachineLabsError as error:
        return Finding(Level.BAD, "network", str(error))
    name, subnet = settings.engine.network, settings.engine.subnet
    return Finding(Level.OK, "network", f"{name} ({subnet}) is as the settings say.")


def _filter(settings: Settings) -> Finding:
    report = apply_filter(settings)
    return Finding(Level.OK if report.enforced else Level.WARN, "packet filter", report.sentence)


def _images(settings: Settings) -> Iterator[Finding]:
    try:
        catalog = load_catalog(catalog_file(settings), Files(settings.data).builds)
    except MachineLabsError as error:
        yield Finding(Level.BAD, "images", str(error))
        return
    for image in catalog.offered:
        build = catalog.builds.get(image.name)
        if build is None:
            yield Finding(
                Level.WARN, f"image {image.name}", f"Not built yet: `make image/{image.name}`."
            )
        else:
            yield Finding(Level.OK, f"image {image.name}", f"{build.tag}, {build.size_mib} MiB.")


def _ports(settings: Settings) -> Iterator[Finding]:
    yield Finding(Level.OK, "site", "It does not run. `make run` starts it.")
    try:
        ports.check_free(settings)
    except MachineLabsError as error:
        yield Finding(Level.BAD, "ports", str(error))
    else:
        first = settings.site.port
        yield Finding(Level.OK, "ports", f"{first} to {first + 6} are free.")


def _answers(settings: Settings) -> Iterator[Finding]:
    addresses, log = Addresses(settings), Files(settings.data).logs
    listeners = {
        "hub": f"{addresses.hub_local}/hub/health",
        "labs": f"{addresses.labs_local}{LABS_PREFIX}/health",
        "proxy": f"http://127.0.0.1:{settings.site.port}/hub/health",
        "door": f"{addresses.door}/hub/api/",
    }
    for name, url in listeners.items():
        try:
            answer = httpx.get(
                url, headers={"Host": addresses.hub_host}, timeout=5, trust_env=False
            )
        except httpx.HTTPError:
            yield Finding(Level.BAD, name, f"It does not answer. Look into {log / name}.log.")
        else:
            level = Level.OK if answer.is_success else Level.BAD
            yield Finding(level, name, f"It answers with {answer.status_code}.")


def _gpus(settings: Settings) -> Iterator[Finding]:
    try:
        sample = SamplerClient(settings).sample()
    except SamplerAway:
        log = Files(settings.data).logs / "sampler.log"
        yield Finding(Level.BAD, "gpus", f"The sampler does not answer. Look into {log}.")
        return
    if sample.fault:
        yield Finding(Level.WARN, "gpus", sample.fault)
    for card in sample.cards:
        what = f"{card.model}{f' {card.profile}' if card.profile else ''}, {card.memory_mib} MiB."
        is_well = card.health is Health.OK
        level = Level.OK if is_well else Level.BAD
        yield Finding(level, f"gpu {card.uuid}", what if is_well else f"{what} {card.why}")
