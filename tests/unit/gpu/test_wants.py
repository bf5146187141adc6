"""The catalogue's flavours say what a start needs of the GPUs."""

from machinelabs_hub.catalog.model import Catalog, Flavour, Gpu
from machinelabs_hub.gpu.model import Want
from machinelabs_hub.gpu.wants import want_of, wants_of

SMALL = Flavour(name="cpu", title="Small", cpu=1, memory_mib=1024)
SLICE = Flavour(
    name="mig", title="Slice", cpu=1, memory_mib=1024, gpu=Gpu(profile="1g.10gb", memory_mib=9000)
)
PAIR = Flavour(name="pair", title="Two halves", cpu=1, memory_mib=1024, gpu=Gpu(count=2, share=2))


def test_a_flavour_without_a_gpu_wants_none() -> None:
    assert want_of(SMALL) is None


def test_all_that_a_flavour_says_is_wanted_by_its_name() -> None:
    catalog = Catalog(images=(), flavours=(SMALL, SLICE, PAIR))
    assert wants_of(catalog) == {
        "mig": Want(memory_mib=9000, profile="1g.10gb"),
        "pair": Want(count=2, share=2),
    }
