"""`/templates`: labs to begin with."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.bodies import LabBody, VisibilityName
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.raw import TAR, bytes_of
from machinelabs_hub.labs.models.lab import LabDraft, Visibility
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.templates import TemplateService

router = APIRouter(prefix="/templates", tags=["templates"], route_class=Once)

TemplateName = Annotated[
    str, Path(max_length=64, description="The template's name.", examples=["digits"])
]


class TemplateBody(BaseModel):
    """A lab to begin with."""

    name: str
    title: str
    description: str
    image: str | None


class TemplatesBody(BaseModel):
    """All templates, the plainest first; `next` is always null."""

    items: list[TemplateBody]
    next: str | None = None


class FromTemplateBody(BaseModel):
    """What a lab made from a template is called, and who may read it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Annotated[
        str, Field(max_length=1000, description="Empty: the template's own.", examples=["Digits"])
    ] = ""
    name: Annotated[
        str | None, Field(max_length=200, description="Empty: made from the title.")
    ] = None
    visibility: VisibilityName = "private"


@router.get("", responses=refusals())
def list_templates(ctx: Ctx) -> TemplatesBody:
    """List the templates of the site."""
    found = TemplateService(tools=ctx.tools, viewer=ctx.person).list()
    return TemplatesBody(
        items=[
            TemplateBody(
                name=one.name, title=one.title, description=one.description, image=one.image
            )
            for one in found
        ]
    )


@router.get(
    "/{name}/archive",
    response_class=Response,
    responses=refusals(404) | bytes_of("A tar of all files.", TAR),
)
def get_template(ctx: Ctx, name: TemplateName) -> Response:
    """Read the files of a template as a tar."""
    files = TemplateService(tools=ctx.tools, viewer=ctx.person).tar(name)
    headers = {"Content-Disposition": "attachment; filename=template.tar"}
    return Response(files.read(), media_type=TAR, headers=headers)


@router.post("/{name}/labs", status_code=201, responses=refusals(403, 404, 409, 413, 507))
def make_lab(ctx: Ctx, name: TemplateName, body: FromTemplateBody) -> LabBody:
    """Make a new lab of a template's files; its first revision is r1."""
    service = TemplateService(tools=ctx.tools, viewer=ctx.person)
    draft = LabDraft(
        title=body.title or service.title_of(name),
        name=body.name or "",
        visibility=Visibility(body.visibility),
        message=f"Begin with the template {name}",
    )
    return LabBody.of(ctx, service.make(name, draft))
