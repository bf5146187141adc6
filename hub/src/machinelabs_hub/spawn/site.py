"""What the spawner knows of its site: settings, addresses, files and the catalogue."""

from dataclasses import dataclass
from typing import Self

from machinelabs_hub.catalog.load import load as load_catalog
from machinelabs_hub.catalog.load import read_builds
from machinelabs_hub.catalog.model import Build, Catalog
from machinelabs_hub.errors import BadInput, SettingsError
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files, catalog_file


@dataclass(frozen=True, slots=True)
class SpawnSite:
    """One site, as its spawners see it."""

    settings: Settings
    catalog: Catalog

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the catalogue of the site that has these settings.

        Raises:
            SettingsError: the catalogue is wrong, or lacks what the settings choose from it.
        """
        catalog = load_catalog(catalog_file(settings), Files(settings.data).builds)
        try:
            catalog.image(settings.servers.default_image)
            catalog.flavour(settings.servers.default_flavour)
        except BadInput as error:
            raise SettingsError(f"`servers.default_image` or `default_flavour`: {error}") from error
        return cls(settings=settings, catalog=catalog)

    @property
    def addresses(self) -> Addresses:
        """Where the site's parts are."""
        return Addresses(self.settings)

    @property
    def files(self) -> Files:
        """Where the site keeps what persists."""
        return Files(self.settings.data)

    def builds(self) -> dict[str, Build]:
        """Return the site's builds as they are now: an image may be built while the hub runs."""
        return read_builds(self.files.builds)
