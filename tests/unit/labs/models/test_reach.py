"""Which hosts and addresses may be asked for somebody else."""

import pytest

from machinelabs_hub.labs.models.reach import Reach

ALL = Reach()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "169.254.169.254", "168.63.129.16", "198.18.0.1", "192.0.2.1", "255.255.255.255",
        "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1",
        "2002:7f00:1::", "2002:a00:1::", "2001:0:a00:1::1", "2001:db8::1", "not an address",
    ],
)  # fmt: skip
def test_nothing_of_the_inside_is_reached_by_any_name(address: str) -> None:
    assert not ALL.permits(address, "example.org", 443)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_public_addresses_are_reached(address: str) -> None:
    assert ALL.permits(address, "example.org", 443)


def test_a_host_of_ones_own_network_is_reached_where_the_site_says_so() -> None:
    reach = Reach(hosts=(), inside=("data.lab", "10.0.0.5:8080", "[::1]:90"))
    assert reach.names("Data.Lab.", 80)
    assert reach.permits("10.0.0.9", "data.lab", 1234)
    assert reach.permits("10.0.0.5", "10.0.0.5", 8080)
    assert reach.permits("::1", "::1", 90)
    assert not reach.names("10.0.0.5", 8081)
    assert not reach.permits("10.0.0.5", "10.0.0.5", 8081)
    assert not reach.permits("10.0.0.9", "other.lab", 80)
    assert not reach.names("example.org", 443)


def test_what_tells_machines_who_they_are_is_reached_by_no_setting() -> None:
    reach = Reach(inside=("data.lab", "169.254.169.254"))
    assert not reach.permits("169.254.169.254", "data.lab", 80)
    assert not reach.permits("169.254.169.254", "169.254.169.254", 80)
    assert not reach.permits("::ffff:169.254.169.254", "data.lab", 80)


def test_hosts_are_named_whole_or_below_a_name() -> None:
    reach = Reach(hosts=("*.example.org", "data.org"))
    assert reach.names("a.example.org", 443)
    assert reach.names("DATA.org", 443)
    assert not reach.names("example.org", 443)
    assert not reach.names("evilexample.org", 443)
    assert not reach.names("a.data.org", 443)
