"""Labs as cards: what explore, a person's page and the list of forks are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import Response

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.verification import Clean
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.shelf import shelf_of
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


@dataclass(frozen=True, slots=True)
class LabCard:
    """A lab with its face: the address of its first plot, or its first lines."""

    lab: Lab
    url: str
    plot: str
    lines: tuple[str, ...]
    clean: Clean | None = None
    """What shows that it runs clean; None: nothing does, or it does not hold any more."""


def cards_of(ctx: Context, labs: Iterable[Lab]) -> list[LabCard]:
    """Return the cards of labs that the reader may see."""
    held = tuple(labs)
    clean = ctx.verify.clean_among(held)
    return [_card(ctx, lab, clean.get(lab.id)) for lab in held]


def _card(ctx: Context, lab: Lab, clean: Clean | None) -> LabCard:
    face = shelf_of(ctx).face(ctx, lab)
    url = lab_url(lab)
    plot = f"{url}/card?r={lab.revision}" if face.has_plot else ""
    return LabCard(lab, url, plot, face.lines, clean)


@router.get("/{owner}/{name}/card", include_in_schema=False)
def give_plot(owner: str, name: str, ctx: Ctx) -> Response:
    """Give the image on a lab's card."""
    lab = ctx.labs.get(owner, name)
    plot = shelf_of(ctx).plot(ctx, lab)
    if plot is None:
        raise NoPage
    reach = "public" if lab.visibility is Visibility.PUBLIC else "private"
    headers = {
        "Cache-Control": f"{reach}, max-age=86400",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(plot.content, HTTPStatus.OK, headers, plot.mime)
