"""`/facets`: what the labs of a list can be narrowed by, with how many each leaves."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.asked import Asked
from machinelabs_hub.labs.models.page import Facets
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.session import parts_of

router = APIRouter(tags=["labs"])


class FacetValueBody(BaseModel):
    """One value, and how many labs have it."""

    model_config = ConfigDict(frozen=True)
    value: str
    count: int


class FacetsBody(BaseModel):
    """Values by facet, the most frequent first."""

    tag: list[FacetValueBody]
    image: list[FacetValueBody]
    flavour: list[FacetValueBody]
    language: list[FacetValueBody]
    licence: list[FacetValueBody]
    has_outputs: list[FacetValueBody]
    runs_clean: list[FacetValueBody]
    is_bounded: bool = Field(
        description="True: there are more labs than were counted; each count is the least it can be"
    )

    @classmethod
    def of(cls, facets: Facets) -> "FacetsBody":
        """Return the JSON of facets."""
        lists = {
            name: [FacetValueBody(value=one.value, count=one.count) for one in values]
            for name, values in facets.values.items()
        }
        return cls(is_bounded=facets.is_bounded, **lists)


@router.get("/facets", responses=refusals())
async def list_facets(request: Request, ctx: Ctx, asked: Asked) -> FacetsBody:
    """Count by tag, image, flavour, language and licence what `GET /labs` would list."""
    return FacetsBody.of(await parts_of(request).searching.take(ctx.search.facets, asked))
