"""What the catalogue's flavours want of the site's GPUs."""

from machinelabs_hub.catalog.model import Catalog, Flavour
from machinelabs_hub.gpu.model import Want


def want_of(flavour: Flavour) -> Want | None:
    """Return what a flavour wants; None: no GPU."""
    if flavour.gpu is None:
        return None
    return Want(
        count=flavour.gpu.count,
        memory_mib=flavour.gpu.memory_mib,
        profile=flavour.gpu.profile,
        share=flavour.gpu.share,
    )


def wants_of(catalog: Catalog) -> dict[str, Want]:
    """Return what each flavour with a GPU wants, by its name."""
    found = {flavour.name: want_of(flavour) for flavour in catalog.flavours}
    return {name: want for name, want in found.items() if want is not None}
