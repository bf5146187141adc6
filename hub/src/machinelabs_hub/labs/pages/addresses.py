"""Where the pages and the bytes of a lab are."""

from urllib.parse import quote

from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.render.links import Address
from machinelabs_hub.sites import LABS_PREFIX, Addresses

API = f"{LABS_PREFIX}/api/v1"


def person_url(name: str) -> str:
    """Return the address of the page of a person or of `@group`."""
    return f"{LABS_PREFIX}/{quote(name, safe='@')}"


def lab_url(lab: Lab) -> str:
    """Return the address of a lab's page."""
    return f"{person_url(lab.owner)}/{quote(lab.name, safe='')}"


def revision_url(lab: Lab, number: int) -> str:
    """Return the address of a lab's page in one of its revisions."""
    return lab_url(lab) if number == lab.revision else f"{lab_url(lab)}/@r{number}"


def file_url(lab: Lab, number: int, path: str) -> str:
    """Return the address of the page of a file or a folder."""
    return f"{revision_url(lab, number)}/files/{quote(path)}"


def raw_base(lab: Lab, number: int) -> str:
    """Return where the bytes of a revision's files are; ends with a slash."""
    owner, name = quote(lab.owner, safe="@"), quote(lab.name, safe="")
    return f"{API}/labs/{owner}/{name}/revisions/{number}/files/"


def clone_url(addresses: Addresses, lab: Lab) -> str:
    """Return where git clones a lab from."""
    owner, name = quote(lab.owner, safe="@"), quote(lab.name, safe="")
    return f"{addresses.labs}/{owner}/{name}.git"


def archive_url(lab: Lab, number: int) -> str:
    """Return where all files of a revision are, as a tar."""
    return raw_base(lab, number).removesuffix("files/") + "archive"


def content_address(lab: Lab, number: int) -> Address:
    """Return where links inside published content lead."""
    return Address(files=file_url(lab, number, ""), raw=raw_base(lab, number))
