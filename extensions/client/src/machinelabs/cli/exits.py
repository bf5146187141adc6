"""How `ml` ends: one table of exit codes, which the manual prints."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from machinelabs import errors
from machinelabs.checkout import Overlap


class Exit(IntEnum):
    """What a script can tell from the exit code."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    OFFLINE = 3
    SIGN_IN = 4
    NOT_ALLOWED = 5
    NOT_FOUND = 6
    CONFLICT = 7
    TOO_LARGE = 8
    TOO_MANY = 9
    FOLDER = 10
    BAD_INPUT = 11
    RUN_FAILED = 12
    RUN_STOPPED = 13
    RUN_LOST = 14
    NOT_CLEAN = 15
    CANCELLED = 130


MEANINGS: Final[Mapping[Exit, str]] = {
    Exit.DONE: "It is done.",
    Exit.FAULT: "The site failed, or answered what no labs service answers.",
    Exit.USAGE: "The command line is wrong.",
    Exit.OFFLINE: "The site does not answer, or not in time.",
    Exit.SIGN_IN: "Nobody is signed in, or the token has expired or was revoked.",
    Exit.NOT_ALLOWED: "It is not yours to do, or not with this token.",
    Exit.NOT_FOUND: "There is no such lab, revision or template, or none that you may see.",
    Exit.CONFLICT: "Somebody was first: a newer revision, a taken name, the same place in a file.",
    Exit.TOO_LARGE: "Over a limit of the site: size, number of files or of labs.",
    Exit.TOO_MANY: "Too much in too short a time.",
    Exit.FOLDER: "What stands in the folder cannot be published or laid, or it is no lab.",
    Exit.BAD_INPUT: "Something that you said cannot be used, such as a name or a tag.",
    Exit.RUN_FAILED: "The run that was followed failed: its code raised an error, or never began.",
    Exit.RUN_STOPPED: "The run that was followed was stopped.",
    Exit.RUN_LOST: "The run that was followed was lost: its container is gone.",
    Exit.NOT_CLEAN: "The lab that was verified shows something else than what is saved in it.",
    Exit.CANCELLED: "You cancelled it.",
}

_BY_ERROR: Final[Mapping[type[errors.HubError], Exit]] = {
    Overlap: Exit.CONFLICT,
    errors.Offline: Exit.OFFLINE,
    errors.SignInNeeded: Exit.SIGN_IN,
    errors.NotAllowed: Exit.NOT_ALLOWED,
    errors.NotFound: Exit.NOT_FOUND,
    errors.Conflict: Exit.CONFLICT,
    errors.TooLarge: Exit.TOO_LARGE,
    errors.TooMany: Exit.TOO_MANY,
    errors.FolderFault: Exit.FOLDER,
    errors.BadInput: Exit.BAD_INPUT,
    errors.SiteFault: Exit.FAULT,
}


def exit_of(error: errors.HubError) -> Exit:
    """Return how `ml` ends after an error."""
    kinds = (kind for kind in type(error).__mro__ if kind in _BY_ERROR)
    return next((_BY_ERROR[kind] for kind in kinds), Exit.FAULT)
