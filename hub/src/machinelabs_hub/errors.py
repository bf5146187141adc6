"""Every error of ours: a code for programs, a status for HTTP, a sentence for people.

MachineLabsError
├── SettingsError        the settings file or the catalogue is wrong (file, line, key)
├── NotAllowed           signed in, but this is not yours to do
├── NotFound             no such thing, or none that you may see
├── Conflict             the thing changed, or its name is taken
├── BadInput             what was sent cannot be used
├── TooLarge             over a limit of this site
├── Unavailable          a part that is needed does not answer
└── SetupError           this machine cannot run the hub as it is

The leaves live beside the code that raises them and inherit from one of these.
"""

from http import HTTPStatus
from typing import ClassVar


class MachineLabsError(Exception):
    """An error with a sentence that a person can act on.

    `str(error)` is that sentence: what happened, where, what to do.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR


class SettingsError(MachineLabsError):
    """The settings file or the image catalogue cannot be used."""

    code = "bad_settings"


class NotAllowed(MachineLabsError):
    """The person is known, but may not do this."""

    code = "not_allowed"
    status = HTTPStatus.FORBIDDEN


class NotFound(MachineLabsError):
    """No such thing, or none that this person may see."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class Conflict(MachineLabsError):
    """The thing changed meanwhile, or its name is taken."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class BadInput(MachineLabsError):
    """What was sent cannot be used as it is."""

    code = "bad_input"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooLarge(MachineLabsError):
    """What was sent is over a limit of this site."""

    code = "too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class Unavailable(MachineLabsError):
    """A part that is needed does not answer now; trying again may help."""

    code = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class SetupError(MachineLabsError):
    """This machine cannot run the hub as it is."""

    code = "setup"
