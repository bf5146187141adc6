"""A container is decided before the engine hears of it."""

from pathlib import Path
from typing import Any

import pytest

from machinelabs_hub.catalog.model import Build, Catalog, Flavour, Image
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.spawn.plan import (
    CA_FILE,
    ContainerPlan,
    ImageNotBuilt,
    container_name,
    home_volume,
    make_plan,
    safe_name,
)

CATALOG = Catalog(
    images=(Image(name="base", title="JupyterLab", description="."),),
    flavours=(Flavour(name="small", title="Small", cpu=1.5, memory_mib=2048, shm_mib=256),),
)
BUILDS = {"base": Build(id="sha256:aa", tag="machinelabs/base:1", size_mib=700)}


def planned(*, user: str = "ada", server: str = "", **engine: Any) -> ContainerPlan:
    return make_plan(
        settings=Settings.model_validate({"data": Path("/srv/ml"), "engine": engine}),
        catalog=CATALOG,
        builds=BUILDS,
        choice=Choice("base", "small"),
        user=user,
        server=server,
        most_files=1 << 20,
    )


def test_the_image_is_pinned_by_the_id_of_the_sites_build() -> None:
    assert planned().image_id == "sha256:aa"


def test_an_image_without_a_build_says_who_can_build_it() -> None:
    with pytest.raises(ImageNotBuilt, match="“JupyterLab” is not on this machine yet"):
        make_plan(
            settings=Settings(),
            catalog=CATALOG,
            builds={},
            choice=Choice("base", "small"),
            user="ada",
            server="",
            most_files=1024,
        )


def test_sizes_are_the_flavours_and_never_more_files_than_the_machine_grants() -> None:
    plan = planned()
    assert (plan.memory_mib, plan.cpu, plan.shm_mib, plan.nofile) == (2048, 1.5, 256, 65536)
    assert plan.environment["MEM_LIMIT"] == str(2048 * 2**20)
    assert plan.environment["OMP_NUM_THREADS"] == "2"


def test_the_home_is_writable_and_the_datasets_are_not() -> None:
    home, datasets = planned().mounts
    assert (home.source, home.target, home.read_only) == ("ml-home-ada", "/home/jovyan", False)
    assert home.is_volume
    assert datasets.source == "/srv/ml/datasets"
    assert datasets.read_only


def test_no_card_is_seen_without_a_claim() -> None:
    assert planned().environment["NVIDIA_VISIBLE_DEVICES"] == "void"


def test_the_sites_proxy_and_certificates_reach_programs_by_environment() -> None:
    plan = planned(http_proxy="http://10.0.0.9:3128", ca_file="/etc/ssl/site.pem")
    assert (
        plan.environment["https_proxy"] == plan.environment["HTTP_PROXY"] == "http://10.0.0.9:3128"
    )
    assert "172.30.7.1" in plan.environment["NO_PROXY"]
    assert plan.environment["PIP_CERT"] == plan.environment["SSL_CERT_FILE"] == CA_FILE
    assert [(m.source, m.read_only) for m in plan.mounts if m.target == CA_FILE] == [
        ("/etc/ssl/site.pem", True)
    ]


def test_without_them_the_environment_names_neither() -> None:
    assert not {"https_proxy", "PIP_CERT", "PIP_INDEX_URL"} & set(planned().environment)


def test_git_is_led_from_the_pages_address_to_the_door_without_a_token_in_its_settings() -> None:
    said = planned().environment
    door = "http://172.30.7.1:8004"
    assert said["GIT_CONFIG_COUNT"] == "2"
    assert said["GIT_CONFIG_KEY_0"] == f"url.{door}/services/labs/api/git/.insteadOf"
    assert said["GIT_CONFIG_VALUE_0"] == ("http://labs--service.hub.localhost:8000/services/labs/")
    assert said["GIT_CONFIG_KEY_1"] == f"credential.{door}.helper"
    assert "$JUPYTERHUB_API_TOKEN" in said["GIT_CONFIG_VALUE_1"]


def test_without_internet_names_are_asked_of_nobody_who_answers() -> None:
    assert planned().dns == ()
    assert planned(internet=False).dns == ("172.30.7.1",)
    assert planned().dns_options == ()
    assert "timeout:1" in planned(internet=False).dns_options


def test_every_server_of_a_person_has_a_name_of_its_own_and_the_same_home() -> None:
    first, second = planned(), planned(server="lab-iris")
    assert (first.name, second.name) == ("ml-ada", "ml-ada--lab-iris")
    assert first.mounts == second.mounts
    assert second.labels["machinelabs.server"] == "lab-iris"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ada", "b"), ("ada--b", "")),
        (("Ada", ""), ("ada", "")),
        (("a.b@x.org", ""), ("a-b-x-org", "")),
        (("a_b", ""), ("a.b", "")),
        (("ü", ""), ("u", "")),
    ],
)
def test_two_servers_never_share_a_container_name(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert container_name("ml", *one) != container_name("ml", *other)


def test_two_people_never_share_a_home() -> None:
    names = ["ada", "Ada", "ada-", "ada@x", "ada.x", "ada--x", "ada-x", "ÄDA", "x" * 300]
    volumes = {home_volume("ml", name) for name in names}
    assert len(volumes) == len(names)
    assert all(len(volume) < 64 for volume in volumes)


def test_an_ordinary_name_stays_readable() -> None:
    assert safe_name("grace-hopper") == "grace-hopper"
    assert safe_name("Grace.Hopper@navy.mil").startswith("grace-hopper-navy-mi---")
