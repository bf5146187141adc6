"""A new lab from a template: choose one, give it a title."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import BadInput, NotAllowed, TooLarge
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import publishes_as
from machinelabs_hub.labs.models.lab import LabDraft, Visibility
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.templates import PLAINEST, TemplateService
from machinelabs_hub.labs.services.viewer import writer

router = APIRouter()


@router.get("/new", include_in_schema=False)
def new(request: Request, ctx: Ctx, template: str = PLAINEST) -> Response:
    """Give the templates and the form."""
    return _new(request, ctx, template)


@router.post("/new", include_in_schema=False)
def make(
    request: Request,
    ctx: Ctx,
    template: Annotated[str, Form()] = PLAINEST,
    title: Annotated[str, Form()] = "",
    owner: Annotated[str, Form()] = "",
    public: Annotated[str, Form()] = "",
) -> Response:
    """Make the lab and go to it, or show the form again with what is wrong."""
    service = TemplateService(tools=ctx.tools, viewer=ctx.person)
    draft = LabDraft(
        owner=owner,
        title=title.strip() or service.title_of(template),
        visibility=Visibility.PUBLIC if public else Visibility.PRIVATE,
        message=f"Begin with the template {template}",
    )
    try:
        lab = service.make(template, draft)
    except (BadInput, NotAllowed, TooLarge) as error:
        return _new(request, ctx, template, title, owner, trouble=str(error))
    return RedirectResponse(lab_url(lab), HTTPStatus.SEE_OTHER)


def _new(
    request: Request,
    ctx: Context,
    template: str,
    title: str = "",
    owner: str = "",
    *,
    trouble: str = "",
) -> Response:
    person = writer(ctx.person)
    found = TemplateService(tools=ctx.tools, viewer=ctx.person).list()
    return page(
        "new.html",
        request,
        ctx,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if trouble else HTTPStatus.OK,
        templates=found,
        chosen=template if template in {one.name for one in found} else PLAINEST,
        title=title,
        owners=publishes_as(person),
        owner=owner,
        trouble=trouble,
    )
