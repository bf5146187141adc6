"""What containers reach: tried from inside, on the real packet filter."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from tests.support.inside import elsewhere, inside, listening, python, reaches
from tests.support.site import Server, Site

from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.network import apply_filter, ensure_network, remove_filter

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="the packet filter needs root"),
]

INTERNET = "198.51.100.7"
METADATA = "169.254.169.254"
OFFICE = "10.254.253.7"


@pytest.fixture(scope="module")
def ada(site: Site) -> Iterator[Server]:
    yield site.start_server("net-ada", image="base")
    site.stop_server("net-ada")


@pytest.fixture(scope="module")
def bob(site: Site) -> Iterator[Server]:
    yield site.start_server("net-bob", image="base")
    site.stop_server("net-bob")


def changed(site: Site, **engine: object) -> Settings:
    """The site's settings with other knobs of the engine."""
    settings = site.settings
    return settings.model_copy(update={"engine": settings.engine.model_copy(update=engine)})


@contextmanager
def filtered(site: Site, **engine: object) -> Iterator[None]:
    """Put other rules in place for a while."""
    # The site puts its own back every minute; it holds still meanwhile.
    up = site.process
    assert up is not None
    up.send_signal(signal.SIGSTOP)
    try:
        assert apply_filter(changed(site, **engine)).enforced
        yield
    finally:
        apply_filter(site.settings)
        up.send_signal(signal.SIGCONT)


def address_of(container: str) -> str:
    return inside(container, "hostname", "-i").out


def test_the_site_says_that_its_filter_holds(site: Site) -> None:
    report = apply_filter(site.settings)
    assert report.enforced
    assert report.sentence.startswith("Containers reach the hub, the labs API")


def test_the_hubs_api_is_reached_and_its_pages_are_not(ada: Server) -> None:
    code = """
import os, urllib.error, urllib.request
base = os.environ["JUPYTERHUB_API_URL"]
print(urllib.request.urlopen(base + "/", timeout=5).status)
for path in ("/hub/login", "/hub/home", "/", "/services/labs/"):
    try:
        print(urllib.request.urlopen(base.removesuffix("/hub/api") + path, timeout=5).status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""
    first, *others = python(ada.container, code).out.split()
    assert first == "200"
    assert set(others) == {"404"}


def test_the_labs_api_is_reached(ada: Server) -> None:
    code = """
import os, urllib.request
print(urllib.request.urlopen(os.environ["MACHINELABS_LABS_URL"] + "/api/v1/labs", timeout=5).status)
"""
    assert python(ada.container, code).out == "200"


def test_other_services_of_the_host_are_not(site: Site, ada: Server) -> None:
    gateway = site.addresses.gateway
    with listening() as port:
        assert not reaches(ada.container, gateway, port)
        for address in own_addresses():
            assert not reaches(ada.container, address, port), address
    for offset in (0, 1, 2, 3, 5):
        assert not reaches(ada.container, gateway, site.place.port + offset)


def own_addresses() -> list[str]:
    rows = subprocess.run(
        ["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = [row.split()[3].split("/")[0] for row in rows]
    return [address for address in found if not address.startswith("127.")]


def test_other_peoples_containers_are_not(ada: Server, bob: Server) -> None:
    assert reaches(bob.container, "127.0.0.1", 8888)
    assert not reaches(bob.container, address_of(ada.container), 8888)
    assert not reaches(bob.container, ada.container, 8888)
    # Not over UDP either: nothing that was sent arrives.
    listen = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 9999)); s.settimeout(3); print(s.recv(9))"
    ear = subprocess.Popen(
        ["docker", "exec", ada.container, "python3", "-c", listen],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    send = f"import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nfor _ in range(20):\n    time.sleep(0.1)\n    try: s.sendto(b'hello', ({address_of(ada.container)!r}, 9999))\n    except OSError: pass"
    python(bob.container, send)
    assert ear.communicate()[0] == b""


def test_the_hub_reaches_containers(ada: Server) -> None:
    with ada.client() as client:
        assert client.get("api").status_code == 200


def test_metadata_addresses_are_closed_and_it_is_the_filter_that_closes_them(
    site: Site, ada: Server
) -> None:
    with elsewhere("mlmeta", METADATA, "198.18.201.0"):
        assert not reaches(ada.container, METADATA, 80)
        with filtered(site, allowed_subnets=["169.254.0.0/16", "0.0.0.0/0"], blocked_subnets=[]):
            assert not reaches(ada.container, METADATA, 80)
        remove_filter(site.settings)
        try:
            assert reaches(ada.container, METADATA, 80)
        finally:
            apply_filter(site.settings)
        assert not reaches(ada.container, METADATA, 80)


def test_the_internet_is_open_or_closed_by_setting(site: Site, ada: Server) -> None:
    with elsewhere("mlinet", INTERNET, "198.18.202.0"):
        assert reaches(ada.container, INTERNET, 80)
        with filtered(site, internet=False):
            assert not reaches(ada.container, INTERNET, 80)
            # The hub stays within reach.
            door = urlsplit(site.addresses.door)
            assert reaches(ada.container, str(door.hostname), int(door.port or 0))
        with filtered(site, internet=False, allowed_subnets=[f"{INTERNET}/32"]):
            assert reaches(ada.container, INTERNET, 80)
        assert reaches(ada.container, INTERNET, 80)


def test_the_sites_own_networks_are_closed_but_for_exceptions(site: Site, ada: Server) -> None:
    with elsewhere("mloff", OFFICE, "198.18.203.0"):
        assert not reaches(ada.container, OFFICE, 80)
        with filtered(site, allowed_subnets=["10.254.253.0/24"]):
            assert reaches(ada.container, OFFICE, 80)
        with filtered(site, http_proxy=f"http://{OFFICE}:80"):
            assert reaches(ada.container, OFFICE, 80)
        assert not reaches(ada.container, OFFICE, 80)


def test_there_is_no_other_way_out(ada: Server) -> None:
    assert inside(ada.container, "cat", "/proc/sys/net/ipv6/conf/all/disable_ipv6").out == "1"
    links = inside(ada.container, "ls", "/sys/class/net").out.split()
    assert set(links) <= {"lo", "eth0", "tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0"}


def test_setting_the_rules_again_changes_nothing(site: Site) -> None:
    before = rules_of(site)
    apply_filter(site.settings)
    ensure_network(site.settings)
    assert rules_of(site) == before
    assert sum("-A INPUT" in rule for rule in before) == 1


def test_the_rules_are_gone_after_removal_and_so_is_nothing_else(site: Site) -> None:
    before = all_rules()
    ours = rules_of(site)
    remove_filter(site.settings)
    remove_filter(site.settings)
    try:
        # Docker's own rules of the network's bridge stay: they go with the network.
        assert [rule for rule in before if rule not in ours] == all_rules()
        assert not any("ML-" in rule for rule in rules_of(site))
    finally:
        apply_filter(site.settings)
    assert sorted(all_rules()) == sorted(before)


def rules_of(site: Site) -> list[str]:
    names = (f"ML-HOST-{site.place.network}", f"ML-OUT-{site.place.network}")
    return [rule for rule in all_rules() if any(name in rule for name in names)]


def all_rules() -> list[str]:
    done = subprocess.run(["iptables", "-S"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_without_root_the_report_says_plainly_that_nothing_is_filtered(site: Site) -> None:
    settings = site.settings
    os.seteuid(65534)
    try:
        report = apply_filter(settings)
    finally:
        os.seteuid(0)
    assert not report.enforced
    assert "needs root" in report.sentence
    assert report.sentence.startswith("Containers can reach every service of this machine")
