"""A run's server: only with a ticket, without a home, without the Hub's secrets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from tests.unit.spawn.test_plan import planned

from machinelabs_hub import scopes
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.plan import HOME
from machinelabs_hub.spawn.runs import AWAKE, RunDoor, Runs, as_run, named_limit, token_scopes
from machinelabs_hub.tickets import KEY, BadTicket, Ticket, sign

SECRET = "ab" * 32
DOOR = RunDoor(
    url="http://172.30.7.1:8004/services/labs/api/v1/runner/12",
    code="once",
    base_url="/user/ada/run-12/",
)


@pytest.fixture
def spawner(tmp_path: Path) -> Any:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / KEY).write_text(SECRET)
    made: Any = Runs()
    made.name = "run-12"
    made.user = SimpleNamespace(name="ada")
    made.server = SimpleNamespace(base_url="/user/ada/run-12/")
    made.site = SimpleNamespace(settings=Settings.model_validate({"data": tmp_path}))
    return made


def options(key: str = SECRET, **changes: Any) -> dict[str, str]:
    said: dict[str, Any] = {
        "run": 12,
        "user": "ada",
        "server": "run-12",
        "image": "base",
        "flavour": "small",
        "code": "once",
        "exp": int(datetime.now(UTC).timestamp()) + 60,
    } | changes
    return {"image": "base", "flavour": "small", "ticket": sign(Ticket(**said), key)}


def test_a_ticket_is_kept_and_is_not_among_the_options_that_are_stored(spawner: Any) -> None:
    assert spawner.take_ticket(options()) == {"image": "base", "flavour": "small"}
    spawner.check_ticket("base", "small")
    assert spawner.run_door().code == "once"
    assert spawner.run_door().url.endswith("/services/labs/api/v1/runner/12")


@pytest.mark.parametrize(
    "change",
    [{"user": "bob"}, {"server": "run-13"}, {"exp": 1}, {"key": "cd" * 32}],
)
def test_a_ticket_for_something_else_is_refused(spawner: Any, change: dict[str, Any]) -> None:
    with pytest.raises(BadTicket):
        spawner.take_ticket(options(**change))
    assert spawner.run_door() is None


def test_a_ticket_is_for_one_image_and_one_size(spawner: Any) -> None:
    spawner.take_ticket(options())
    for image, flavour in (("pytorch", "small"), ("base", "large")):
        with pytest.raises(BadTicket, match="another image or size"):
            spawner.check_ticket(image, flavour)


def test_a_run_without_a_ticket_is_refused(spawner: Any) -> None:
    for asked in ({}, None, {"image": "base"}):
        with pytest.raises(BadTicket):
            spawner.take_ticket(asked)
    with pytest.raises(BadTicket):
        spawner.check_ticket("base", "small")


def test_a_persons_server_needs_no_ticket(spawner: Any) -> None:
    spawner.name = "second"
    assert spawner.take_ticket({"image": "base"}) == {"image": "base"}
    spawner.check_ticket("base", "small")
    assert spawner.run_door() is None


def test_a_run_counts_as_used_while_it_runs_and_a_persons_server_does_not(spawner: Any) -> None:
    long_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=2)
    spawner.orm_spawner = SimpleNamespace(last_activity=long_ago)
    spawner.user.db = Mock()
    spawner.stay_awake()
    assert datetime.now(UTC).replace(tzinfo=None) - spawner.orm_spawner.last_activity < AWAKE
    spawner.user.db.commit.assert_called_once()
    spawner.name, spawner.orm_spawner.last_activity = "second", long_ago
    spawner.stay_awake()
    assert spawner.orm_spawner.last_activity == long_ago


def test_a_run_has_no_home_and_ends_by_itself() -> None:
    plan = as_run(planned(server="run-12", datasets="sets"), DOOR)
    assert [mount.target for mount in plan.mounts] == [f"{HOME}/datasets"]
    assert plan.command[-2:] == ("-m", "machinelabs.runner")
    assert not plan.has_init
    assert plan.stop_seconds == 30
    assert plan.name == "ml-ada--run-12"


def test_a_run_is_told_its_own_address_and_nothing_of_the_hubs() -> None:
    environment = as_run(planned(server="run-12"), DOOR).environment
    assert environment["MACHINELABS_RUN_URL"] == DOOR.url
    assert environment["MACHINELABS_RUN_CODE"] == "once"
    assert environment["MACHINELABS_RUN_PROBE"] == "8888/user/ada/run-12/api"
    assert environment["MEM_LIMIT"] == str(2048 * 2**20)
    assert not [name for name in environment if name.startswith(("JUPYTERHUB", "JPY", "GIT"))]


def test_the_hubs_token_of_a_run_can_do_next_to_nothing() -> None:
    assert token_scopes(SimpleNamespace(name="run-12")) == ["users:activity!user"]
    assert token_scopes(SimpleNamespace(name="")) == scopes.SERVER_TOKEN


def test_runs_are_no_part_of_the_named_servers_that_people_may_have() -> None:
    settings = Settings.model_validate({"servers": {"named_limit": 2}})
    limit = named_limit(settings)
    user = SimpleNamespace(orm_spawners={"": 1, "second": 1, "run-1": 1, "run-2": 1})
    handler = SimpleNamespace(path_args=["ada", "third"], find_user={"ada": user}.get)
    # JupyterHub counts all four but the default one.
    assert limit(handler) == 4
    assert limit(SimpleNamespace(path_args=["ada", "run-3"], find_user=None)) == 0
    assert limit(SimpleNamespace(path_args=[], find_user=None)) == 2
