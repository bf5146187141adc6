"""The tab of editors and owners: what a lab is called, who may read it, and its deletion."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action, publishes_as
from machinelabs_hub.labs.models.lab import Lab, LabChange, Visibility
from machinelabs_hub.labs.models.licences import LICENCES
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.words import ROLES, VISIBILITIES
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()

Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """What stands in the form."""

    title: str
    description: str
    tags: str
    visibility: str
    licence: str
    image: str
    flavour: str
    whole_history: bool = False

    @classmethod
    def of(cls, lab: Lab) -> Self:
        """Return the form as a lab fills it."""
        return cls(
            lab.title, lab.description, ", ".join(lab.tags), lab.visibility.value, lab.licence,
            lab.image or "", lab.flavour or "",
        )  # fmt: skip

    def change(self) -> LabChange:
        """Return the change that the form asks for."""
        if self.visibility and self.visibility not in VISIBILITIES:
            raise BadInput("Choose who can read the lab.")
        tags = tuple(tag.strip() for tag in self.tags.split(",") if tag.strip())
        return LabChange(
            title=self.title,
            description=self.description,
            tags=tags,
            # An editor's form does not say.
            visibility=Visibility(self.visibility) if self.visibility else None,
            licence=self.licence,
            image=self.image,
            flavour=self.flavour,
            whole_history=self.whole_history,
        )


@router.get("/{owner}/{name}/settings", include_in_schema=False)
def settings(request: Request, ctx: Ctx, owner: str, name: str, saved: str = "") -> Response:
    """Give the forms."""
    lab = editable(ctx, owner, name)
    return settings_page(request, ctx, lab, said="Saved." if saved else "")


@router.post("/{owner}/{name}/settings", include_in_schema=False)
def save(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    title: Text = "",
    description: Text = "",
    tags: Text = "",
    visibility: Text = "",
    licence: Text = "",
    image: Text = "",
    flavour: Text = "",
    whole_history: Text = "",
) -> Response:
    """Change the lab, or show the form again with what is wrong."""
    lab = editable(ctx, owner, name)
    form = SettingsForm(
        title, description, tags, visibility, licence, image, flavour,
        bool(whole_history),
    )  # fmt: skip
    try:
        ctx.labs.change(owner, name, form.change())
    except BadInput as error:
        return settings_page(request, ctx, lab, form, trouble=str(error))
    return RedirectResponse(f"{lab_url(lab)}/settings?saved=1", HTTPStatus.SEE_OTHER)


@router.post("/{owner}/{name}/delete", include_in_schema=False)
def delete(request: Request, ctx: Ctx, owner: str, name: str, confirm: Text = "") -> Response:
    """Move the lab to the trash if its name was typed."""
    lab = editable(ctx, owner, name)
    if confirm.strip() != lab.name:
        trouble = f"Type {lab.name} to delete this lab. Nothing was deleted."
        return settings_page(request, ctx, lab, trouble=trouble)
    ctx.labs.delete(owner, name)
    return RedirectResponse(f"{LABS_PREFIX}/trash", HTTPStatus.SEE_OTHER)


def editable(ctx: Context, owner: str, name: str) -> Lab:
    """Return a lab whose settings the reader may see; to others the page is not there."""
    lab = ctx.labs.get(owner, name)
    if not ctx.labs.may(Action.EDIT, lab):
        raise NoPage
    return lab


def settings_page(
    request: Request,
    ctx: Context,
    lab: Lab,
    form: SettingsForm | None = None,
    *,
    said: str = "",
    trouble: str = "",
) -> Response:
    """Return the page with all forms, or what is wrong with one of them."""
    shares = ctx.labs.may(Action.SHARE, lab)
    return page(
        "settings.html",
        request,
        ctx,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if trouble else HTTPStatus.OK,
        form=form or SettingsForm.of(lab),
        said=said,
        trouble=trouble,
        shares=shares,
        members=ctx.members.list(lab.owner, lab.name) if shares else (),
        former=ctx.moves.former(lab) if shares else (),
        groups=publishes_as(ctx.person)[1:] if ctx.person else (),
        roles=ROLES,
        visibilities=VISIBILITIES,
        licences=LICENCES,
        images=ctx.catalog.offered,
        flavours=ctx.catalog.flavours,
        trash_days=ctx.settings.limits.trash_days,
        **frame(ctx, lab, "settings"),
    )
