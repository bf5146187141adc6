"""Make a site's container network and packet filter on this machine, and take them away."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import docker
from docker.types import IPAMConfig, IPAMPool

from machinelabs_hub.errors import NotFound, SetupError
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses
from machinelabs_hub.spawn.engine import EngineFailed, connect, translated
from machinelabs_hub.spawn.filter import FilterRules, bridge_name, make_rules, nameservers_of
from machinelabs_hub.spawn.plan import LABEL_SITE

RESOLV_CONF: Final = Path("/etc/resolv.conf")
BRIDGE_FILTER: Final = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
ENGINE_CHAIN: Final = "DOCKER-USER"


@dataclass(frozen=True, slots=True)
class FilterReport:
    """Whether the packet filter holds, and what it lacks, in sentences."""

    enforced: bool
    problems: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """One line for the start of a site and for `machinelabs-hub check`."""
        if self.enforced:
            return "Containers reach the hub, the labs API and what the settings allow."
        return " ".join(self.problems)


class NetworkTaken(SetupError):
    """The engine cannot make the network as the settings describe it."""

    code = "network_taken"


def ensure_network(settings: Settings) -> None:
    """Make the containers' network unless it is there as the settings say.

    Raises:
        EngineAway: the engine does not answer.
        NetworkTaken: the name or the subnet is in use for something else.
    """
    engine = settings.engine
    client = connect_to(settings)
    try:
        found = translated(lambda: client.inspect_network(engine.network))
    except NotFound:
        _create_network(client, settings)
        return
    if _is_as_set(found, settings):
        return
    if found.get("Containers"):
        raise NetworkTaken(
            f"The network {engine.network} exists with other settings, and containers use it. "
            "Stop them, or change `engine.network`."
        )
    translated(lambda: client.remove_network(engine.network))
    _create_network(client, settings)


def remove_network(settings: Settings) -> None:
    """Remove the containers' network; it need not be there.

    Raises:
        EngineTrouble: the engine did not do it; containers may still use it.
    """
    client = connect_to(settings)
    try:
        translated(lambda: client.remove_network(settings.engine.network))
    except NotFound:
        return


def apply_filter(settings: Settings) -> FilterReport:
    """Put the site's rules in place, whole, whatever was there before; say what could not be."""
    hindrance = _hindrance()
    if hindrance:
        return FilterReport(
            enforced=False,
            problems=(
                f"Containers can reach every service of this machine and its network: {hindrance}",
            ),
        )
    rules = make_rules(settings, _nameservers())
    try:
        _iptables_restore(rules.script())
        _ensure_jump("INPUT", rules.bridge, rules.to_host)
        _ensure_jump(_forward_chain(), rules.bridge, rules.to_elsewhere)
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or "").strip().splitlines()
        return FilterReport(
            enforced=False,
            problems=(f"The packet filter was not set: {reason[-1] if reason else error}.",),
        )
    if not _bridged_packets_are_filtered():
        return FilterReport(
            enforced=False,
            problems=(
                (
                    "Containers can reach each other: the kernel does not filter bridged packets. "
                    "Load the module br_netfilter and set net.bridge.bridge-nf-call-iptables=1."
                ),
            ),
        )
    return FilterReport(enforced=True)


def remove_filter(settings: Settings) -> None:
    """Take the site's rules away; they need not be there."""
    if _hindrance():
        return
    rules = make_rules(settings, ())
    for parent, chain in _jumps(rules):
        jump = ["-i", rules.bridge, "-j", chain]
        while _iptables("-C", parent, *jump, check=False):
            _iptables("-D", parent, *jump)
    for chain in (rules.to_host, rules.to_elsewhere):
        if _iptables("-n", "-L", chain, check=False):
            _iptables("-F", chain)
            _iptables("-X", chain)


def connect_to(settings: Settings) -> docker.APIClient:
    """Return a connection to the site's engine.

    Raises:
        EngineAway: it does not answer.
    """
    return translated(lambda: connect(settings.engine.socket))


def _create_network(client: docker.APIClient, settings: Settings) -> None:
    engine = settings.engine
    try:
        translated(
            lambda: client.create_network(
                engine.network,
                driver="bridge",
                ipam=IPAMConfig(
                    pool_configs=[
                        IPAMPool(subnet=engine.subnet, gateway=Addresses(settings).gateway)
                    ]
                ),
                options=_options(settings),
                labels={LABEL_SITE: engine.prefix},
                check_duplicate=True,
            )
        )
    except EngineFailed as error:
        raise NetworkTaken(
            f"The network {engine.network} ({engine.subnet}) could not be made: {error} "
            "Change `engine.subnet` or `engine.network`."
        ) from error


def _options(settings: Settings) -> dict[str, str]:
    return {
        "com.docker.network.bridge.name": bridge_name(settings.engine.network),
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.driver.mtu": str(settings.engine.mtu),
    }


def _is_as_set(found: dict[str, Any], settings: Settings) -> bool:
    pools = found["IPAM"]["Config"] or [{}]
    subnet = str(ip_network(settings.engine.subnet))
    return bool(pools[0].get("Subnet") == subnet and found["Options"] == _options(settings))


def _hindrance() -> str:
    if os.geteuid() != 0:
        return "setting the packet filter needs root. Start the site as root or with sudo."
    if not shutil.which("iptables-restore"):
        return "there is no iptables on this machine. Install it."
    return ""


def _nameservers() -> list[str]:
    try:
        return nameservers_of(RESOLV_CONF.read_text(encoding="utf-8"))
    except OSError:
        return []


def _bridged_packets_are_filtered() -> bool:
    try:
        return BRIDGE_FILTER.read_text(encoding="ascii").strip() == "1"
    except OSError:
        return False


def _forward_chain() -> str:
    # An engine that leaves the packet filter alone makes no chain for its users.
    return ENGINE_CHAIN if _iptables("-n", "-L", ENGINE_CHAIN, check=False) else "FORWARD"


def _jumps(rules: FilterRules) -> list[tuple[str, str]]:
    parents = ["FORWARD"]
    if _iptables("-n", "-L", ENGINE_CHAIN, check=False):
        parents.append(ENGINE_CHAIN)
    return [("INPUT", rules.to_host), *((parent, rules.to_elsewhere) for parent in parents)]


def _ensure_jump(parent: str, bridge: str, chain: str) -> None:
    jump = ["-i", bridge, "-j", chain]
    if not _iptables("-C", parent, *jump, check=False):
        _iptables("-I", parent, "1", *jump)


def _iptables(*arguments: str, check: bool = True) -> bool:
    done = subprocess.run(
        ["iptables", "-w", "10", *arguments], check=check, capture_output=True, text=True
    )
    return done.returncode == 0


def _iptables_restore(script: str) -> None:
    subprocess.run(
        ["iptables-restore", "-w", "10", "--noflush"],
        input=script,
        check=True,
        capture_output=True,
        text=True,
    )
