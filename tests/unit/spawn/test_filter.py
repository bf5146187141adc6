"""The packet filter's rules, as data."""

from typing import Any

import pytest

from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.filter import FilterRules, make_rules, nameservers_of

DOOR = "-d 172.30.7.1/32 -p tcp --dport 8004 -j ACCEPT"


def rules(nameservers: tuple[str, ...] = (), **engine: Any) -> FilterRules:
    return make_rules(Settings.model_validate({"engine": engine}), nameservers)


def verdict(found: FilterRules, words: str) -> str:
    """The target of the first rule to elsewhere that matches all of `words`."""
    rule = next(rule for rule in found.elsewhere_rules if words in rule)
    return rule.split("-j ")[1].split()[0]


def order(found: FilterRules, *words: str) -> list[int]:
    places = [
        next(n for n, rule in enumerate(found.elsewhere_rules) if word in rule) for word in words
    ]
    assert places == sorted(places)
    return places


def test_the_door_is_all_of_the_host_that_containers_reach() -> None:
    accepted = [rule for rule in rules().host_rules if rule.endswith("-j ACCEPT")]
    assert accepted == ["-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", DOOR]
    assert rules().host_rules[-1].startswith("-j REJECT")


def test_metadata_addresses_are_refused_before_any_exception() -> None:
    found = rules(allowed_subnets=["169.254.0.0/16", "10.1.0.0/16"])
    order(found, "-d 169.254.0.0/16 -j REJECT", "-d 169.254.0.0/16 -j RETURN")


def test_exceptions_come_before_the_networks_that_they_are_exceptions_of() -> None:
    order(rules(allowed_subnets=["10.1.2.0/24"]), "10.1.2.0/24 -j RETURN", "10.0.0.0/8 -j REJECT")


def test_containers_do_not_reach_each_other() -> None:
    assert verdict(rules(network="n1"), "-o br-n1") == "REJECT"


def test_without_internet_everything_else_is_refused() -> None:
    open_site, closed = rules(), rules(internet=False, allowed_subnets=["10.1.2.0/24"])
    assert not any(rule.startswith("-j ") for rule in open_site.elsewhere_rules)
    assert closed.elsewhere_rules[-1].startswith("-j REJECT")
    assert verdict(closed, "10.1.2.0/24") == "RETURN"


def test_nameservers_in_a_blocked_network_are_reached_on_their_port_only() -> None:
    found = rules(("10.0.0.2", "127.0.0.53"))
    assert "-d 10.0.0.2/32 -p udp --dport 53 -j RETURN" in found.elsewhere_rules
    assert not any("127.0.0.53" in rule for rule in found.elsewhere_rules)
    order(found, "-d 10.0.0.2/32 -p tcp --dport 53", "-d 10.0.0.0/8 -j REJECT")


def test_names_are_not_asked_without_internet() -> None:
    assert not any("--dport 53" in rule for rule in rules(("10.0.0.2",), internet=False).host_rules)


@pytest.mark.parametrize(
    ("proxy", "rule"),
    [
        ("http://10.0.0.9:3128", "-d 10.0.0.9/32 -p tcp --dport 3128"),
        ("10.0.0.9:3128", "-d 10.0.0.9/32 -p tcp --dport 3128"),
        ("https://10.0.0.9", "-d 10.0.0.9/32 -p tcp --dport 443"),
    ],
)
def test_the_sites_proxy_is_reached_at_its_port(proxy: str, rule: str) -> None:
    assert f"{rule} -j RETURN" in rules(http_proxy=proxy).elsewhere_rules
    assert f"{rule} -j ACCEPT" in rules(http_proxy=proxy).host_rules


def test_a_proxy_known_by_name_needs_no_rule() -> None:
    assert rules(http_proxy="http://proxy.example.org:3128") == rules()


def test_the_script_holds_both_chains_whole() -> None:
    script = rules(network="n1").script()
    assert script.startswith("*filter\n:ML-HOST-n1 - [0:0]\n:ML-OUT-n1 - [0:0]\n")
    assert script.endswith("COMMIT\n")


def test_chain_names_fit_the_kernel_for_the_longest_network_name() -> None:
    found = rules(network="a" * 12)
    assert max(len(found.to_host), len(found.to_elsewhere)) <= 28
    assert len(found.bridge) <= 15


def test_nameservers_are_read_as_the_resolver_reads_them() -> None:
    text = "# nameserver 9.9.9.9\nsearch example.org\nnameserver 10.0.0.2\nnameserver fe80::1\n"
    assert nameservers_of(text) == ["10.0.0.2"]
