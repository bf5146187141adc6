"""`/metrics`: the site's GPUs in figures, for Prometheus."""

from fastapi import APIRouter
from fastapi.responses import Response

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.models.metrics import CONTENT_TYPE
from machinelabs_hub.labs.security import Ctx

router = APIRouter(tags=["gpus"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals(403)},
)
def get_metrics(ctx: Ctx) -> Response:
    """Tell cards, claims, the line and charged seconds in figures (admins only)."""
    return Response(
        ctx.metrics.text(), media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
    )
