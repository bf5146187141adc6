"""What a start accepts: image and flavour of the catalogue, and nothing else."""

import pytest

from machinelabs_hub.catalog.model import Catalog, Flavour, Gpu, Image
from machinelabs_hub.errors import BadInput
from machinelabs_hub.spawn.options import (
    Choice,
    FlavourNotOffered,
    choose,
    from_form,
    remembered,
    without_gpu,
)

CATALOG = Catalog(
    images=(
        Image(name="base", title="JupyterLab", description="."),
        Image(name="torch", title="PyTorch", description=".", parent="base"),
        Image(name="layer", title="A parent only", description=".", offered=False),
    ),
    flavours=(
        Flavour(name="small", title="Small", cpu=1, memory_mib=1024),
        Flavour(name="large", title="Large", cpu=4, memory_mib=8192),
        Flavour(name="gpu", title="With a GPU", cpu=2, memory_mib=8192, gpu=Gpu()),
    ),
)
LAST = Choice(image="base", flavour="small")


def chosen(options: object) -> Choice:
    return choose(options, catalog=CATALOG, last=LAST, offers_gpus=False)


def test_what_is_asked_is_chosen() -> None:
    assert chosen({"image": "torch", "flavour": "large"}) == Choice("torch", "large")


def test_what_is_left_open_is_as_last_time() -> None:
    assert chosen({"image": "torch"}) == Choice("torch", "small")
    assert chosen({"flavour": None}) == LAST
    assert chosen({}) == LAST


@pytest.mark.parametrize(
    "options",
    [
        {"image": "ubuntu"},
        {"image": "layer"},
        {"image": ""},
        {"image": "base "},
        {"image": "docker.io/library/evil:latest"},
        {"image": ["base"]},
        {"image": 7},
        {"image": {"name": "base"}},
        {"flavour": "huge"},
        {"flavour": "small\n"},
        {"memory_mib": 1 << 20},
        {"image": "base", "volumes": {"/": "/host"}},
        {"image": "base", "Image": "base"},
        {"": ""},
        ["base"],
        "base",
        None,
    ],
)
def test_whatever_the_catalogue_lacks_is_refused_with_a_sentence(options: object) -> None:
    with pytest.raises(BadInput) as refused:
        chosen(options)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_gpu_flavour_is_refused_by_its_title() -> None:
    with pytest.raises(FlavourNotOffered, match="“With a GPU” needs a GPU"):
        chosen({"flavour": "gpu"})


def test_a_form_gives_one_value_a_field() -> None:
    fields = {"image": ["torch"], "flavour": ["small"], "_xsrf": ["x"]}
    assert from_form(fields) == {"image": "torch", "flavour": "small"}


@pytest.mark.parametrize(
    "fields", [{"image": ["a", "b"]}, {"image": []}, {"cmd": ["sh"]}, {"image_file": [b"x"]}]
)
def test_a_form_with_anything_else_is_refused(fields: dict[str, list[str]]) -> None:
    with pytest.raises(BadInput):
        from_form(fields)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ({"image": "torch", "flavour": "large"}, Choice("torch", "large")),
        ({"image": "gone", "flavour": "large"}, Choice("base", "large")),
        ({"image": "torch", "flavour": 3}, Choice("torch", "small")),
        ({"image": ["torch"]}, LAST),
        (None, LAST),
        ("torch", LAST),
    ],
)
def test_only_what_is_still_offered_is_remembered(last: object, expected: Choice) -> None:
    assert remembered(last, catalog=CATALOG, default=LAST) == expected


def test_a_gpu_flavour_is_not_remembered_where_none_are_handed_out() -> None:
    last = {"image": "torch", "flavour": "gpu"}
    got = remembered(last, catalog=CATALOG, default=LAST, offers_gpus=False)
    assert got == Choice("torch", "small")


def test_whoever_does_not_wait_for_a_gpu_gets_the_default_size_if_that_has_none() -> None:
    assert without_gpu(CATALOG, "large") == "large"
    assert without_gpu(CATALOG, "gpu") == "small"
    only_gpus = Catalog(images=CATALOG.images, flavours=CATALOG.flavours[2:])
    assert without_gpu(only_gpus, "gpu") == ""
