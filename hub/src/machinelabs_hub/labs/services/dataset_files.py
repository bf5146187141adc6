"""The files that a version of a dataset may hold: their names, their digests, how much it is."""

import re
from collections.abc import Sequence
from typing import Final

from machinelabs_hub.errors import BadInput, TooLarge
from machinelabs_hub.labs.models.dataset import DatasetFile
from machinelabs_hub.labs.models.paths import BadPath, check_together, fault_of
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.names import shown

_GIB: Final = 2**30
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class DatasetTooLarge(TooLarge):
    """A version would hold more than one may."""

    code = "dataset_too_large"


class EmptyDataset(BadInput):
    """A version without a file."""

    code = "empty_dataset"


def check_files(tools: Tools, files: Sequence[DatasetFile]) -> None:
    """Refuse files that no version may hold.

    Raises:
        BadPath: no file is called so.
        ClashingPaths: two files are one on some machines.
        EmptyDataset: there is no file.
        DatasetTooLarge: more than a version may hold.
    """
    limits = tools.settings.datasets
    if not files:
        raise EmptyDataset("A version of a dataset needs a file.")
    if len(files) > limits.files:
        raise DatasetTooLarge(
            f"A version may have {limits.files} files. Pack many small ones into one."
        )
    sizes: dict[str, int] = {}
    for file in files:
        if fault := fault_of(file.path):
            raise BadPath(f"The file “{shown(file.path, 120)}” cannot be kept: {fault}")
        if not _SHA256.fullmatch(file.sha256) or file.size < 0:
            raise BadInput(f"“{shown(file.path, 120)}” needs its size and its SHA-256.")
        if sizes.setdefault(file.sha256, file.size) != file.size:
            raise BadInput(f"“{shown(file.path, 120)}”: two sizes are said of one SHA-256.")
    check_together(file.path for file in files)
    total = sum(file.size for file in files)
    if total > limits.gib * _GIB:
        raise DatasetTooLarge(
            f"These files have {total / _GIB:.1f} GiB. A version may hold {limits.gib} GiB."
        )
