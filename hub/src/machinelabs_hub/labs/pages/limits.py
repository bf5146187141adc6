"""What labs may hold here, from the site's settings."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


@router.get("/limits", include_in_schema=False)
def limits(request: Request, ctx: Ctx) -> Response:
    """Give the table of limits."""
    held = ctx.settings.limits
    rows = [
        (field.title or name, f"{getattr(held, name):,}".replace(",", " "))
        for name, field in type(held).model_fields.items()
    ]
    return page("limits.html", request, ctx, limits=rows)
