"""`ml.yaml`, read with the line and the key in each refusal."""

import pytest

from machinelabs_hub.catalog.model import Catalog, Flavour, Gpu, Image
from machinelabs_hub.labs.models.config import BadConfig, LabConfig, read_config

CATALOG = Catalog(
    images=(
        Image(name="base", title="", description=""),
        Image(name="torch", title="", description=""),
    ),
    flavours=(
        Flavour(name="cpu-small", title="", cpu=1, memory_mib=1024),
        Flavour(name="gpu-small", title="", cpu=1, memory_mib=1024, gpu=Gpu()),
    ),
)


def test_image_flavour_and_entrypoint_are_read() -> None:
    text = b"image: torch\nflavour: gpu-small\nentrypoint: a/b.ipynb\nparameters: []\n"
    assert read_config(text, CATALOG) == LabConfig("torch", "gpu-small", "a/b.ipynb")


def test_the_keys_of_the_first_machinelabs_are_synonyms() -> None:
    text = b"dockerImageId: base\nhardwareType: GPU\n"
    assert read_config(text, CATALOG) == LabConfig("base", "gpu-small", None)
    assert read_config(b"hardwareType: cpu", CATALOG).flavour == "cpu-small"


def test_an_empty_file_says_nothing() -> None:
    assert read_config(b"", CATALOG) == LabConfig()
    assert read_config(b"# nothing\n", CATALOG) == LabConfig()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\nimage: tensorflow\n", "line 2: `image`: There is no image called .tensorflow."),
        (b"flavour: huge", "line 1: `flavour`: There is no size called .huge."),
        (b"hardwareType: tpu", "line 1: `hardwareType`: There is no size called .tpu."),
        (b"image: base\nimgae: torch", "line 2: there is no key `imgae`"),
        (b"image: base\ndockerImageId: torch", "line 2: `image` is said twice"),
        (b"image: [a]", "line 1: `image` needs a name"),
        (b"image:", "line 1: `image` needs a name"),
        (b"a: b: c", "line 1: this is not YAML"),
        (b"- a\n- b", "line 1: write `key: value` lines"),
        (b"\xff\xfe", "not UTF-8"),
        (b"&a [*a, *a]", "line 1"),
        (b"[" * 40_000, "YAML"),
        (b"x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_fault_is_named_with_line_and_key(text: bytes, said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        read_config(text, CATALOG)
