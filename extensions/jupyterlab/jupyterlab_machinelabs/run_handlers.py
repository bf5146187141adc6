"""The JSON of *Run on…*: what a run of the open lab begins with, and its order."""

from http import HTTPStatus
from typing import Final

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyterlab_machinelabs.running import Wish
from jupyterlab_machinelabs.web import LabsHandler


class RunForm(LabsHandler):
    """What a run of the lab that is open begins with."""

    @authenticated
    @authorized
    async def get(self) -> None:
        path, file = self.get_query_argument("path", ""), self.get_query_argument("file", "")
        self.give(await self.thread(self.tools.running.form, path, file))


class RunOrder(LabsHandler):
    """Run the published revision that is open."""

    @authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        wish = Wish(
            file=body.text("file"),
            image=body.text("image"),
            flavour=body.text("flavour"),
            parameters=body.named_texts("parameters"),
        )
        ordered = await self.thread(self.tools.running.order, body.text("path"), wish)
        self.set_status(HTTPStatus.CREATED)
        self.give(ordered)


ROUTES: Final[tuple[tuple[str, type[LabsHandler]], ...]] = (
    ("runs", RunOrder),
    ("runs/form", RunForm),
)
