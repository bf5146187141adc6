"""Which devices a site has: what the sampler sees, what admins order, what is remembered."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from machinelabs_hub.gpu.cluster import Node
from machinelabs_hub.gpu.model import Gpu, Health
from machinelabs_hub.gpu.sample import CardSample, Sample
from machinelabs_hub.gpu.stock import (
    FORGOTTEN,
    GONE,
    MISSING,
    UNNAMED,
    Known,
    Orders,
    after_list,
    after_nodes,
    after_sample,
)
from machinelabs_hub.gpu_settings import Card

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NO_ORDERS = Orders(drains={}, returns={})


def a_card(uuid: str = "GPU-a", **changes: Any) -> CardSample:
    return CardSample(uuid=uuid, index=0, model="A100", memory_mib=40960, **changes)


def failed(
    why: str = "Xid 79.", at: datetime = NOW, uuid: str = "GPU-a", **more: Any
) -> CardSample:
    return a_card(uuid, health=Health.FAILED, why=why, failed_at=at, **more)


def seen(
    *cards: CardSample,
    before: Mapping[str, Known] | None = None,
    now: datetime = NOW,
    is_told: bool = True,
    drains: Mapping[str, str] | None = None,
    returns: Mapping[str, datetime] | None = None,
) -> dict[str, Known]:
    sample = Sample(at=now, node="here", cards=cards, is_told=is_told)
    return after_sample(before or {}, sample, Orders(drains or {}, returns or {}), now)


def health(known: Mapping[str, Known]) -> dict[str, tuple[Health, str]]:
    return {uuid: (one.gpu.health, one.gpu.why) for uuid, one in known.items()}


OK = (Health.OK, "")


def test_a_card_that_is_seen_is_there() -> None:
    assert seen(a_card())["GPU-a"] == Known(Gpu("GPU-a", "A100", 40960), NOW, NOW)


def test_a_split_card_gives_way_to_its_instances_and_comes_back() -> None:
    whole = seen(a_card())
    split = seen(
        a_card(is_split=True), a_card("MIG-1", parent="GPU-a", profile="3g.20gb"), before=whole
    )
    assert [(one.gpu.uuid, one.gpu.parent, one.gpu.profile) for one in split.values()] == [
        ("MIG-1", "GPU-a", "3g.20gb")
    ]
    again = seen(a_card(), before=split, now=NOW + MISSING)
    assert list(again) == ["GPU-a"]


def test_a_sampler_that_is_away_makes_nothing_fail_or_go() -> None:
    before = seen(a_card(), a_card("MIG-1", parent="GPU-b"))
    later = NOW + FORGOTTEN + SECOND
    assert after_sample(before, None, NO_ORDERS, later) == before
    assert seen(before=before, now=later, is_told=False) == before
    # Orders hold meanwhile.
    drained = after_sample(before, None, Orders({"GPU-a": "fan"}, {}), later)
    assert health(drained)["GPU-a"] == (Health.DRAINED, "fan")


def test_a_failure_outlasts_what_the_sampler_remembers() -> None:
    bad = seen(failed(), before=seen(a_card()), now=NOW + SECOND)
    assert health(bad) == {"GPU-a": (Health.FAILED, "Xid 79.")}
    assert bad["GPU-a"].changed_at == NOW + SECOND
    after = seen(a_card(), before=bad, now=NOW + 9 * SECOND)
    assert after["GPU-a"] == replace(bad["GPU-a"], seen_at=NOW + 9 * SECOND)


def test_an_admins_word_ends_failures_before_it_and_none_after() -> None:
    bad = seen(failed(at=NOW))
    returns = {"GPU-a": NOW + SECOND}
    well = seen(failed(at=NOW), before=bad, now=NOW + 2 * SECOND, returns=returns)
    assert health(well) == {"GPU-a": OK}
    again = seen(failed(at=NOW + 3 * SECOND), before=well, now=NOW + 3 * SECOND, returns=returns)
    assert health(again)["GPU-a"][0] is Health.FAILED
    still = seen(a_card(), before=again, now=NOW + 4 * SECOND, returns=returns)
    assert health(still)["GPU-a"][0] is Health.FAILED


def test_returning_a_card_returns_its_instances() -> None:
    cards = [failed(uuid="MIG-1", parent="GPU-a")]
    bad = seen(*cards)
    well = seen(*cards, before=bad, now=NOW + 2 * SECOND, returns={"GPU-a": NOW + SECOND})
    assert health(well) == {"MIG-1": OK}


def test_a_drained_card_keeps_its_instances_back_and_a_failure_says_more() -> None:
    cards = [a_card("MIG-1", parent="GPU-a"), failed(uuid="GPU-b"), a_card("GPU-c")]
    drains = {"GPU-a": "new fan", "GPU-b": "new fan", "GPU-c": ""}
    assert health(seen(*cards, drains=drains)) == {
        "MIG-1": (Health.DRAINED, "new fan"),
        "GPU-b": (Health.FAILED, "Xid 79."),
        "GPU-c": (Health.DRAINED, "An admin keeps it back."),
    }


def test_a_card_that_the_driver_does_not_list_any_more_fails_after_a_moment() -> None:
    before = seen(a_card(), a_card("GPU-b"))
    soon = seen(a_card(), before=before, now=NOW + MISSING - SECOND)
    assert health(soon)["GPU-b"] == OK
    late = seen(a_card(), before=soon, now=NOW + MISSING)
    assert health(late)["GPU-b"] == (Health.FAILED, GONE)
    # Being listed is all that this reason lacked.
    assert health(seen(a_card("GPU-b"), before=late, now=NOW + 20 * SECOND))["GPU-b"] == OK
    assert "GPU-b" not in seen(a_card(), before=late, now=NOW + FORGOTTEN)


def test_a_card_that_failed_and_then_went_keeps_its_reason() -> None:
    late = seen(before=seen(failed()), now=NOW + MISSING)
    assert health(late) == {"GPU-a": (Health.FAILED, "Xid 79.")}
    assert health(seen(a_card(), before=late, now=NOW + 2 * MISSING)) == health(late)


def test_an_instance_that_is_unmade_goes_without_a_failure() -> None:
    before = seen(a_card("MIG-1", parent="GPU-a"))
    assert seen(before=before, now=NOW + MISSING) == {}


def test_a_static_list_is_what_there_is() -> None:
    rows = [Card(uuid="GPU-a", memory_mib=24000, model="RTX")]
    known = after_list(seen(a_card("GPU-old")), rows, Orders({"GPU-a": "fan"}, {}), NOW)
    assert known == {
        "GPU-a": Known(Gpu("GPU-a", "RTX", 24000, health=Health.DRAINED, why="fan"), NOW, NOW)
    }
    assert health(after_list(known, rows, NO_ORDERS, NOW)) == {"GPU-a": OK}


HERE = Node("node-a", uuids=("GPU-a",), model="A100", memory_mib=40960)


def test_the_cards_of_the_site_s_own_node_are_handed_out() -> None:
    found = after_nodes({}, [HERE], NO_ORDERS, NOW)
    assert found == {"GPU-a": Known(Gpu("GPU-a", "A100", 40960), NOW, NOW)}


def test_the_cards_of_other_nodes_are_there_and_kept_back() -> None:
    other = replace(HERE, name="node-b", uuids=("GPU-b",), is_here=False)
    found = after_nodes({}, [HERE, other], NO_ORDERS, NOW)
    assert health(found) == {
        "GPU-a": OK,
        "GPU-b": (Health.DRAINED, "It is in node-b: servers do not start there."),
    }
    assert found["GPU-b"].gpu.node == "node-b"


def test_a_card_that_two_nodes_name_is_the_site_s_own() -> None:
    other = replace(HERE, name="node-b", is_here=False)
    for nodes in ([HERE, other], [other, HERE]):
        assert health(after_nodes({}, nodes, NO_ORDERS, NOW)) == {"GPU-a": OK}


def test_a_node_s_cards_fail_with_it_and_are_well_with_it_without_an_admin() -> None:
    away = replace(HERE, failure="Swarm says that its node node-a is down.")
    found = after_nodes({}, [HERE], NO_ORDERS, NOW)
    failed = after_nodes(found, [away], NO_ORDERS, NOW + SECOND)
    assert health(failed) == {"GPU-a": (Health.FAILED, away.failure)}
    assert failed["GPU-a"].changed_at == NOW + SECOND
    assert health(after_nodes(failed, [HERE], NO_ORDERS, NOW + 2 * SECOND)) == {"GPU-a": OK}


def test_a_node_that_is_held_back_and_an_admin_s_order_keep_cards_back() -> None:
    held = replace(HERE, held_back="Swarm holds node-a back.")
    assert health(after_nodes({}, [held], NO_ORDERS, NOW)) == {
        "GPU-a": (Health.DRAINED, "Swarm holds node-a back.")
    }
    ordered = Orders(drains={"GPU-a": "A new fan."}, returns={})
    assert health(after_nodes({}, [held], ordered, NOW)) == {
        "GPU-a": (Health.DRAINED, "A new fan.")
    }


def test_a_cluster_that_does_not_answer_changes_nothing() -> None:
    found = after_nodes({}, [HERE], NO_ORDERS, NOW)
    later = NOW + FORGOTTEN
    assert health(after_nodes(found, None, NO_ORDERS, later)) == {"GPU-a": OK}


def test_a_card_that_no_node_names_any_more_is_missed_and_then_forgotten() -> None:
    found = after_nodes({}, [HERE], NO_ORDERS, NOW)
    bare = [replace(HERE, uuids=())]
    assert health(after_nodes(found, bare, NO_ORDERS, NOW + SECOND)) == {"GPU-a": OK}
    missed = after_nodes(found, bare, NO_ORDERS, NOW + MISSING)
    assert health(missed) == {"GPU-a": (Health.FAILED, UNNAMED)}
    assert health(after_nodes(missed, [HERE], NO_ORDERS, NOW + MISSING + SECOND)) == {"GPU-a": OK}
    assert after_nodes(missed, bare, NO_ORDERS, NOW + FORGOTTEN) == {}
