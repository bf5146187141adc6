"""What can go wrong while images are built.

SetupError
├── EngineMissing        no container engine answers
├── NoDistribution       neither a registry nor a mirror gives a base system
├── PackagesMissing      the package index lacks a pinned package, or does not answer
├── DiskFull             there is no room for an image
└── BuildFailed          a step of a Dockerfile failed
"""

from machinelabs_hub.errors import SetupError


class EngineMissing(SetupError):
    """No container engine answers at the address of the settings."""

    code = "build_engine_away"


class NoDistribution(SetupError):
    """Neither a registry nor a mirror gives the base system."""

    code = "no_distribution"


class PackagesMissing(SetupError):
    """A pinned package could not be fetched."""

    code = "packages_missing"

    def __init__(self, image: str, said: str, *, not_offered: bool) -> None:
        super().__init__(
            f"The packages of the image “{image}” could not be fetched: {said} "
            "Check this machine's network and pip configuration (`pip config list`), "
            "then start again."
        )
        self.not_offered = not_offered


class DiskFull(SetupError):
    """There is no room for an image."""

    code = "no_room_for_image"

    def __init__(self, image: str, where: str) -> None:
        super().__init__(
            f"The disk is full: the image “{image}” could not be built in {where}. "
            "Free some space (`docker image prune` removes layers that nothing uses), "
            "then start again."
        )


class BuildFailed(SetupError):
    """A step of a Dockerfile failed."""

    code = "build_failed"

    def __init__(self, image: str, step: str, said: str, log: str) -> None:
        super().__init__(
            f"The image “{image}” could not be built. {step} failed: {said} "
            f"The whole log is in {log}."
        )
