"""Find labs among those that a person may see."""

from dataclasses import replace

from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import seen_by
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import MOST, Facets, LabQuery, Page, Sort
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools

LONGEST_QUERY = 200


class SearchService:
    """Lists of labs, as `viewer` may see them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def check_rate(self, query: LabQuery) -> None:
        """Count a search by words; who is not signed in is counted by address already.

        Raises:
            TooMany: the viewer searched very often within a minute.
        """
        if self._viewer is not None and query.q.strip():
            self._tools.searches.take(self._viewer.name, "You searched very often in a minute.")

    def find(self, query: LabQuery) -> Page[Lab]:
        """Return the labs in which every word of `query.q` stands, a page of them."""
        return self._seen(self._tools.search.page(asked(query), self._viewer))

    def facets(self, query: LabQuery) -> Facets:
        """Return what the labs of `query` can be narrowed by, and to how many."""
        return self._tools.facets.count(asked(query), self._viewer)

    def find_counted(self, query: LabQuery) -> tuple[Page[Lab], Facets]:
        """Return what `find` and `facets` do; the best fit costs one look into the index."""
        wanted = asked(query)
        if wanted.order is not Sort.RELEVANCE:
            return self.find(query), self.facets(query)
        page, facets = self._tools.search.counted_page(wanted, self._viewer)
        return self._seen(page), facets

    def _seen(self, page: Page[Lab]) -> Page[Lab]:
        return Page(tuple(seen_by(self._viewer, lab) for lab in page.items), page.next)


def asked(query: LabQuery) -> LabQuery:
    """Return a query with its words in order and its limit in bounds."""
    text = "".join(char if char.isprintable() else " " for char in query.q[:LONGEST_QUERY])
    return replace(
        query,
        q=" ".join(text.split()),
        tag=words.tag_of(query.tag),
        limit=max(1, min(query.limit, MOST)),
    )
