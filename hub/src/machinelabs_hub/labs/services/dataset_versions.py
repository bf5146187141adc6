"""Whether a dataset may have a version more: each costs rows, also one of empty files."""

from machinelabs_hub.errors import TooLarge
from machinelabs_hub.labs.models.dataset import Dataset
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools


class TooManyVersions(TooLarge):
    """The dataset has as many versions as it may have."""

    code = "too_many_versions"


def check_next(tools: Tools, person: Person, dataset: Dataset) -> None:
    """Refuse a version more than a dataset may have, or than a person publishes within an hour.

    Raises:
        TooManyVersions: make another dataset.
        TooMany: says when to try again.
    """
    most = tools.settings.datasets.versions
    if dataset.version >= most:
        raise TooManyVersions(
            f"{dataset.path} has as many versions as a dataset may have: {most}. Make another "
            "dataset for the next."
        )
    often = tools.settings.limits.publishes_per_hour
    tools.publishes.take(person.name, f"You published {often} times within an hour.")
