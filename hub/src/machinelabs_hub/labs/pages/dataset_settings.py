"""What people change of a dataset: its details, whom it is shared with, and its end."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import BadInput, MachineLabsError, NotAllowed
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.dataset import Dataset, DatasetChange
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.licences import LICENCES
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.pages.datasets import PAGE, dataset_url
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.words import DATASET_ROLES, VISIBILITIES
from machinelabs_hub.labs.security import Ctx

router = APIRouter()

Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class DatasetForm:
    """What stands in the form."""

    title: str
    description: str
    tags: str
    licence: str
    visibility: str
    whole_history: bool = False

    @classmethod
    def of(cls, found: Dataset) -> Self:
        """Return the form as a dataset fills it."""
        return cls(
            found.title, found.description, ", ".join(found.tags), found.licence,
            found.visibility.value,
        )  # fmt: skip

    def change(self) -> DatasetChange:
        """Return the change that the form asks for."""
        return DatasetChange(
            title=self.title,
            description=self.description,
            tags=tuple(self.tags.split(",")),
            licence=self.licence or None,
            # An editor's form does not say.
            visibility=Visibility(self.visibility) if self.visibility in set(Visibility) else None,
            whole_history=self.whole_history,
        )


@router.get("/datasets/{owner}/{name}/settings", include_in_schema=False)
def settings(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Give the forms."""
    return _page(request, ctx, _editable(ctx, owner, name))


@router.post("/datasets/{owner}/{name}/settings", include_in_schema=False)
def change(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    title: Text = "",
    description: Text = "",
    tags: Text = "",
    licence: Text = "",
    visibility: Text = "",
    whole_history: Text = "",
) -> Response:
    """Give it new details."""
    found = _editable(ctx, owner, name)
    form = DatasetForm(title, description, tags, licence, visibility, bool(whole_history))
    try:
        ctx.datasets.change(owner, name, form.change())
    except BadInput as error:
        return _page(request, ctx, found, form, trouble=str(error))
    return RedirectResponse(dataset_url(found), HTTPStatus.SEE_OTHER)


@router.post("/datasets/{owner}/{name}/members", include_in_schema=False)
def share(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    kind: Text = "",
    member: Text = "",
    role: Text = "",
) -> Response:
    """Share it, or say what is wrong."""
    found = _editable(ctx, owner, name)
    try:
        if kind not in set(MemberKind) or role not in set(Role):
            raise BadInput("Choose a person or a group, and a role.")
        named = member.strip().removeprefix("@" if kind == "group" else "")
        ctx.datasets.put_member(owner, name, Member(MemberKind(kind), named, Role(role)))
    except MachineLabsError as error:
        return _refused(request, ctx, found, error)
    return RedirectResponse(f"{dataset_url(found)}/settings#members", HTTPStatus.SEE_OTHER)


@router.post("/datasets/{owner}/{name}/members/remove", include_in_schema=False)
def remove(
    request: Request, ctx: Ctx, owner: str, name: str, kind: Text = "", member: Text = ""
) -> Response:
    """Share it no more with somebody."""
    found = _editable(ctx, owner, name)
    try:
        if kind not in set(MemberKind):
            raise BadInput("Choose a person or a group.")
        ctx.datasets.remove_member(owner, name, MemberKind(kind), member)
    except MachineLabsError as error:
        return _refused(request, ctx, found, error)
    return RedirectResponse(f"{dataset_url(found)}/settings#members", HTTPStatus.SEE_OTHER)


@router.post("/datasets/{owner}/{name}/delete", include_in_schema=False)
def delete(request: Request, ctx: Ctx, owner: str, name: str, confirm: Text = "") -> Response:
    """Move it to the trash once its name was typed."""
    found = _editable(ctx, owner, name)
    if confirm.strip() != found.name:
        return _page(request, ctx, found, trouble=f"Type “{found.name}” to delete the dataset.")
    ctx.datasets.delete(owner, name)
    return RedirectResponse(f"{PAGE}?owner={found.owner}", HTTPStatus.SEE_OTHER)


@router.post("/datasets/restore", include_in_schema=False)
def restore(ctx: Ctx, owner: Text = "", name: Text = "") -> Response:
    """Take one back from the trash and go to it."""
    found = ctx.datasets.restore(owner, name)
    return RedirectResponse(dataset_url(found), HTTPStatus.SEE_OTHER)


def _editable(ctx: Context, owner: str, name: str) -> Dataset:
    found = ctx.datasets.get(owner, name)
    if not ctx.datasets.may(Action.EDIT, found):
        raise NotAllowed(f"Only editors and owners change {found.path}. Ask {found.owner}.")
    return found


def _refused(request: Request, ctx: Context, found: Dataset, error: MachineLabsError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    return _page(request, ctx, found, trouble=str(error))


def _page(
    request: Request,
    ctx: Context,
    found: Dataset,
    form: DatasetForm | None = None,
    *,
    trouble: str = "",
) -> Response:
    return page(
        "dataset_settings.html",
        request,
        ctx,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if trouble else HTTPStatus.OK,
        current="datasets",
        dataset=found,
        form=form or DatasetForm.of(found),
        url=dataset_url(found),
        may_share=ctx.datasets.may(Action.SHARE, found),
        members=ctx.datasets.members(found.owner, found.name),
        roles=DATASET_ROLES,
        licences=LICENCES,
        visibilities=VISIBILITIES,
        trash_days=ctx.settings.limits.trash_days,
        trouble=trouble,
    )
