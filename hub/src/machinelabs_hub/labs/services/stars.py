"""Stars, which everybody who is signed in may give, and featured labs, which admins choose."""

from machinelabs_hub.errors import BadInput, NotAllowed
from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_at, signed_in, writer


class StarService:
    """Stars as `viewer` may give and see them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def is_mine(self, lab: Lab) -> bool:
        """Tell whether the viewer starred a lab."""
        return self._viewer is not None and self._tools.stars.has(lab, self._viewer.name)

    def star(self, owner: str, name: str) -> Lab:
        """Give the viewer's star to a lab; a second one changes nothing."""
        lab = lab_at(self._tools, self._viewer, owner, name)
        self._tools.stars.put(lab, writer(self._viewer).name, self._tools.clock())
        return lab_at(self._tools, self._viewer, owner, name)

    def unstar(self, owner: str, name: str) -> Lab:
        """Take the viewer's star from a lab."""
        lab = lab_at(self._tools, self._viewer, owner, name)
        self._tools.stars.take(lab, writer(self._viewer).name)
        return lab_at(self._tools, self._viewer, owner, name)

    def feature(self, owner: str, name: str) -> None:
        """Put a lab on the first page.

        Raises:
            NotAllowed: only an admin may.
            BadInput: not everybody may read it.
        """
        lab = self._of_admin(owner, name)
        if lab.visibility is not Visibility.PUBLIC:
            raise BadInput(
                f"{lab.path} is {lab.visibility.value}. Only a public lab can be featured, because "
                "everybody sees the first page."
            )
        self._tools.stars.feature(lab, self._tools.clock())

    def unfeature(self, owner: str, name: str) -> None:
        """Take a lab from the first page."""
        self._tools.stars.feature(self._of_admin(owner, name), None)

    def _of_admin(self, owner: str, name: str) -> Lab:
        lab = lab_at(self._tools, self._viewer, owner, name)
        if not signed_in(self._viewer).admin:
            raise NotAllowed("Only an admin can choose what the first page features.")
        writer(self._viewer)
        return lab
