"""`machinelabs-hub uninstall`: take away what `up` made, and say what stays."""

from pathlib import Path

from machinelabs_hub.errors import SetupError
from machinelabs_hub.images.remove import remove_images
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files
from machinelabs_hub.spawn.containers import (
    list_containers,
    list_homes,
    remove_container,
    remove_volume,
)
from machinelabs_hub.spawn.network import remove_filter, remove_network
from machinelabs_hub.up import engine, layout, lock
from machinelabs_hub.up.asking import ask
from machinelabs_hub.up.steps import Steps


class StillRunning(SetupError):
    """The site runs; stop it before it is taken away."""

    code = "still_running"


def uninstall(data: Path, *, homes: bool, images: bool, sure: bool) -> int:
    """Remove containers, network, filter and maybe images; homes only with `homes`. DATA stays.

    Raises:
        StillRunning: the site runs.
    """
    if not (data / layout.SETTINGS).exists():
        print(f"There is no site in {data}; nothing of it is to be removed.")
        return 0
    settings = layout.find(data)
    runs = lock.holder(Files(settings.data).run / lock.LOCK)
    if runs:
        raise StillRunning(f"The site runs (process {runs}). Stop it with Ctrl-C first.")
    has_engine = engine.answers(settings.engine.socket)
    _announce(settings, homes=homes, images=images, has_engine=has_engine)
    if not sure and not ask("Type yes to remove this: ", expected="yes"):
        print("Nothing was done.")
        return 1
    steps = Steps()
    if has_engine:
        _remove(settings, steps, homes=homes)
        if images:
            with steps.step("Images"):
                held = remove_images(settings)
            for tag in held:
                steps.say(f"    {tag} stays: a container uses it")
            Files(settings.data).builds.unlink(missing_ok=True)
    with steps.step("Packet filter"):
        remove_filter(settings)
    _farewell(settings, homes=homes)
    return 0


def _announce(settings: Settings, *, homes: bool, images: bool, has_engine: bool) -> None:
    print(f"This removes what the site in {settings.data} made on this machine:")
    if not has_engine:
        print(f"  No engine answers at {settings.engine.socket}: what it holds stays there.")
    else:
        containers, volumes = list_containers(settings), list_homes(settings)
        print(f"  {len(containers)} containers of people, stopped and removed")
        print(f"  the network {settings.engine.network}")
        print("  the images that no container uses" if images else "  no image: --keep-images")
        if homes:
            print(f"  {len(volumes)} homes, with all that people keep in them, for good")
        else:
            print(f"  {len(volumes)} homes stay. --homes removes them too.")
    print("  the rules of the packet filter")
    print(f"It leaves {settings.data} (labs, accounts, settings, logs) as it is.")


def _remove(settings: Settings, steps: Steps, *, homes: bool) -> None:
    with steps.step("Containers"):
        for container in list_containers(settings):
            remove_container(settings, container)
    if homes:
        with steps.step("Homes"):
            for home in list_homes(settings):
                remove_volume(settings, home)
    with steps.step("Network"):
        remove_network(settings)


def _farewell(settings: Settings, *, homes: bool) -> None:
    print(f"Removed. {settings.data} is left; delete it yourself when you are sure.")
    print("Steps of builds may be left on the engine: `docker image prune` removes them.")
    if not homes:
        print(f"Homes are left as the volumes {settings.engine.prefix}-home-….")
    if (settings.data / engine.INSTALLED_BY_US).exists():
        print(
            "The Docker engine was installed for this site: `apt-get remove docker.io` undoes it."
        )
    else:
        print("The Docker engine was here before; it stays.")
