"""What a person asked to start: read from a form, the API or a query, checked by the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from machinelabs_hub.catalog.model import Catalog
from machinelabs_hub.errors import BadInput, Conflict
from machinelabs_hub.names import shown

KEYS = ("image", "flavour")


@dataclass(frozen=True, slots=True)
class Choice:
    """An image and a flavour of the catalogue, by name."""

    image: str
    flavour: str

    def as_options(self) -> dict[str, str]:
        """Return the choice as JupyterHub's `user_options`."""
        return {"image": self.image, "flavour": self.flavour}


class UnknownOption(BadInput):
    """Something was asked that a start does not take."""

    code = "unknown_option"


class FlavourNotOffered(Conflict):
    """The flavour is listed, but cannot be started here now."""

    code = "flavour_not_offered"


def from_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return user options from a form's or a query's fields: lists of strings, by name.

    Raises:
        UnknownOption: a field is given twice, is a file, or is none of ours.
    """
    options: dict[str, Any] = {}
    for key, values in fields.items():
        if key == "_xsrf":
            continue
        _check_key(key)
        if len(values) != 1:
            raise UnknownOption(f"Choose one {key}: {len(values)} were sent.")
        options[key] = values[0]
    return options


def choose(options: object, *, catalog: Catalog, last: Choice, offers_gpus: bool) -> Choice:
    """Return the choice that `options` makes; what they leave open is as `last` time.

    Args:
        options: `user_options` as they came, from anybody.
        catalog: what the site offers.
        last: what the person started last, or the site's defaults.
        offers_gpus: whether flavours with a GPU can be started.

    Raises:
        BadInput: an option, an image or a flavour that the site does not have.
        FlavourNotOffered: a flavour that the site lists but cannot start.
    """
    if not isinstance(options, Mapping):
        raise UnknownOption("Options are an object with “image” and “flavour”.")
    for key in options:
        _check_key(key)
    image = catalog.image(_text(options, "image", last.image))
    flavour = catalog.flavour(_text(options, "flavour", last.flavour))
    if flavour.gpu and not offers_gpus:
        raise FlavourNotOffered(
            f"“{flavour.title}” needs a GPU, and this site has none. Choose a size without one."
        )
    return Choice(image=image.name, flavour=flavour.name)


def remembered(
    options: object, *, catalog: Catalog, default: Choice, offers_gpus: bool = True
) -> Choice:
    """Return the last choice if the site still offers it, part by part, else the default's."""
    last = options if isinstance(options, Mapping) else {}
    image, flavour = last.get("image"), last.get("flavour")
    images = {row.name for row in catalog.offered}
    flavours = {row.name for row in catalog.flavours if offers_gpus or not row.gpu}
    return Choice(
        image=image if isinstance(image, str) and image in images else default.image,
        flavour=flavour if isinstance(flavour, str) and flavour in flavours else default.flavour,
    )


def without_gpu(catalog: Catalog, default: str) -> str:
    """Return the flavour for whoever does not wait for a GPU: the default one, else the first.

    Empty where all flavours have a GPU.
    """
    names = [flavour.name for flavour in catalog.flavours if flavour.gpu is None]
    return default if default in names else next(iter(names), "")


def _check_key(key: object) -> None:
    if key not in KEYS:
        raise UnknownOption(
            f"A start takes “image” and “flavour”; it does not take “{shown(str(key))}”."
        )


def _text(options: Mapping[str, Any], key: str, otherwise: str) -> str:
    value = options.get(key)
    if value is None:
        return otherwise
    if not isinstance(value, str):
        raise UnknownOption(f"“{key}” is a name; {shown(str(value))} is not.")
    return shown(value)
