"""Every error of the client: a code for programs, a sentence for people.

HubError
├── Offline         the site does not answer, or not in time
├── SignInNeeded    the token is missing, expired or was revoked
├── NotAllowed      known, but this is not yours to do
├── NotFound        no such lab, or none that you may see
├── Conflict        the thing changed meanwhile
│   ├── NameTaken       another lab of yours has this name
│   ├── Busy            another program is at this folder
│   └── StaleRevision   someone published a newer revision first
├── TooLarge        over a limit of the site
├── TooMany         too much in too short a time
├── BadInput        what was sent cannot be used
├── SiteFault       the site failed, or answered what no labs service answers
└── FolderFault     what stands in a folder here cannot be published or laid
"""

from typing import ClassVar


class HubError(Exception):
    """An error with a sentence that a person can act on: `str(error)`.

    `code` is the service's own code where it gave one, e.g. `name_taken`.
    """

    default_code: ClassVar[str] = "error"

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code or self.default_code


class Offline(HubError):
    """The site does not answer."""

    default_code = "offline"


class SignInNeeded(HubError):
    """The token is missing, expired or was revoked."""

    default_code = "sign_in_needed"


class NotAllowed(HubError):
    """Not yours to do."""

    default_code = "not_allowed"


class NotFound(HubError):
    """No such thing, or none that you may see."""

    default_code = "not_found"


class Conflict(HubError):
    """The thing changed meanwhile."""

    default_code = "conflict"


class NameTaken(Conflict):
    """Another lab of yours has this name."""

    default_code = "name_taken"


class Busy(Conflict):
    """Another program publishes, lays or updates this folder right now."""

    default_code = "busy"


class StaleRevision(Conflict):
    """Someone published a newer revision first."""

    default_code = "stale_revision"


class TooLarge(HubError):
    """Over a limit of the site."""

    default_code = "too_large"


class TooMany(HubError):
    """Too much in too short a time."""

    default_code = "too_many"


class BadInput(HubError):
    """What was sent cannot be used as it is."""

    default_code = "bad_input"


class SiteFault(HubError):
    """The site failed, or answered what no labs service answers."""

    default_code = "site_fault"


class FolderFault(HubError):
    """What stands in a folder here cannot be published or laid as it is."""

    default_code = "folder_fault"
