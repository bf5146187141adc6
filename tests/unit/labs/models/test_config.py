"""`ml.yaml`, read with the line and the key in each refusal."""

import pytest

from machinelabs_hub.catalog.model import Catalog, Flavour, Gpu, Image
from machinelabs_hub.labs.models.config import BadConfig, LabConfig, read_config
from machinelabs_hub.labs.models.dataset import Address, Mount
from machinelabs_hub.labs.models.inputs import Input, RunFile

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


def test_inputs_are_read() -> None:
    text = (
        b"inputs:\n  - name: deep/a.csv\n    url: https://example.org/a.csv?x=1\n"
        b"  - {name: m.pt, url: 'run:@group/lab#12/deep/m.pt', sha256: " + b"AB" * 32 + b"}\n"
    )
    web, run = read_config(text, CATALOG).inputs
    assert web == Input("deep/a.csv", "https://example.org/a.csv?x=1")
    assert web.run_file is None
    assert run.sha256 == "ab" * 32
    assert run.run_file == RunFile("@group", "lab", 12, "deep/m.pt")
    assert read_config(b"inputs:\n", CATALOG).inputs == ()
    assert read_config(b"inputs: []\n", CATALOG).inputs == ()


HEAD = "inputs:\n  - name: a\n    url: "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inputs: a.csv", "line 1: `inputs` is a list"),
        ("inputs:\n  - a.csv", "line 2: `inputs.0` needs `name"),
        ("inputs:\n  - name: a", "line 2: `inputs.0.url` is missing"),
        ("inputs:\n  - url: http://a.b/c", "line 2: `inputs.0.name` is missing"),
        (HEAD + "http://a.b\n    md5: 1", "line 4: `inputs.0` has no key `md5`"),
        (HEAD + "http://a.b\n    name: b", "line 4: `inputs.0.name` is said twice"),
        (HEAD + "http://a.b\n    sha256: 12", "line 4: `inputs.0.sha256`: a SHA-256 has 64"),
        (HEAD + "[1]", "line 3: `inputs.0.url` needs text"),
        (HEAD + "ftp://a.b/c", "line 3: `inputs.0.url`: it has to begin with"),
        (HEAD + "file:///etc/passwd", "line 3: `inputs.0.url`: it has to begin with"),
        (HEAD + "http:///c", "line 3: `inputs.0.url`: it has to begin with"),
        (HEAD + "http://me:pw@a.b/c", "would read this password"),
        (HEAD + "http://a.b:99999/", "is no address"),
        (HEAD + "http://a.b/c d", "write spaces and accents as %20"),
        (HEAD + '"http://a.b/\\0"', "write spaces"),
        (HEAD + "run:ada/lab/12", "write a run's file as"),
        (HEAD + "run:ada/lab#12/../x", "leads out of"),
        ("inputs:\n  - {name: ../a, url: http://a.b}", "line 2: `inputs.0.name`: its path leads"),
        ("inputs:\n  - {name: a, url: http://a.b}\n  - {name: A, url: http://a.b}",
         "line 3: `inputs.1.name`: .a. and .A. are one file"),
        ("inputs:\n  - {name: a, url: http://a.b}\n  - {name: a/b, url: http://a.b}",
         "line 3: `inputs.1.name`: .a. is a file and also the folder"),
        ("inputs: [" + "{name: a, url: http://a.b}," * 101 + "]", "more than 100"),
        ("inputs: []\ninputs: []", "line 2: `inputs` is said twice"),
    ],
)  # fmt: skip
def test_a_fault_of_an_input_is_named_with_line_and_key(text: str, said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        read_config(text.encode(), CATALOG)


def test_mounts_are_read() -> None:
    text = (
        b"mounts:\n  - {dataset: ada/digits@v3, at: data/}\n"
        b"  - dataset: 'dataset:@vision/x@v12'\n    at: deep/x\n  - {path: eve/old/2, name: o}\n"
    )
    assert read_config(text, CATALOG).mounts == (
        Mount(Address("ada", "digits", 3), "data"),
        Mount(Address("@vision", "x", 12), "deep/x"),
        Mount(Address("eve", "old", 2), "mounts/o"),
    )
    assert read_config(b"mounts:\n", CATALOG).mounts == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mounts: data", "line 1: `mounts` is a list"),
        ("mounts:\n  - ada/x@v1", "line 2: `mounts.0` needs `dataset"),
        ("mounts:\n  - dataset: ada/x@v1", "line 2: `mounts.0.at` is missing"),
        ("mounts: [{dataset: ada/x, at: d}]", "line 1: `mounts.0.dataset`: name a version"),
        ("mounts: [{dataset: ada/x@v0, at: d}]", "name a version"),
        ("mounts: [{path: ada/x, name: d}]", "name a version"),
        ("mounts: [{dataset: ada/x@v1, at: ../d}]", "`mounts.0.at`: its path leads out"),
        ("mounts: [{dataset: ada/x@v1, at: Outputs/d}]", "is the run's own"),
        ("mounts: [{dataset: ada/x@v1, at: d, to: e}]", "`mounts.0` has no key `to`"),
        ("mounts:\n  - {dataset: a/x@v1, at: d}\n  - {dataset: a/y@v1, at: D/e}",
         "line 3: `mounts.1.at`: .d. is a file and also"),
        ("mounts: [" + "{dataset: a/x@v1, at: d}," * 21 + "]", "more than 20"),
        ("inputs: [{name: a, url: 'dataset:ada/x/a'}]", "write a file of a dataset as"),
        ("inputs: [{name: a, url: 'dataset:ada/x@v1/../a'}]", "leads out of"),
    ],
)  # fmt: skip
def test_a_fault_of_a_mount_is_named_with_line_and_key(text: str, said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        read_config(text.encode(), CATALOG)


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
