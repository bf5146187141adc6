"""The JSON that the browser part asks for, under `machinelabs/api/`."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado.web import HTTPError, authenticated

from jupyterlab_machinelabs.activity import idle
from jupyterlab_machinelabs.jobs import Job
from jupyterlab_machinelabs.web import LabsHandler
from machinelabs import LabDraft
from machinelabs.models import Lab
from machinelabs.update import Source


class About(LabsHandler):
    """What this server knows of its site."""

    @authenticated
    @authorized
    def get(self) -> None:
        config = self.tools.config
        self.give(
            {
                "connected": bool(config.labs_url and config.token),
                "user": config.user,
                "public_url": config.public_url,
                "image": config.image,
                "flavour": config.flavour,
                "idle_minutes": config.idle_minutes,
            }
        )


class Choices(LabsHandler):
    """What the publish dialog offers."""

    @authenticated
    @authorized
    async def get(self) -> None:
        licences = await self.thread(self.tools.hub.licences)
        me = await self.thread(self.tools.hub.me)
        self.give({"licences": [asdict(licence) for licence in licences], "owners": me.owners})


class LabList(LabsHandler):
    """Labs of the site: yours or those of a group of yours, or those that fit a search."""

    @authenticated
    @authorized
    async def get(self) -> None:
        scope = self.get_query_argument("scope", "explore")
        mine = self.get_query_argument("owner", "") or self.tools.config.user
        page = await self.thread(
            self.tools.hub.labs.list,
            query=self.get_query_argument("q", ""),
            owner=mine if scope == "mine" else "",
            # What fits best comes first where words are searched, else what is new.
            sort="updated" if scope == "mine" else "",
            cursor=self.get_query_argument("cursor", ""),
            limit=30,
        )
        self.give({"items": [lab_json(lab) for lab in page.labs], "next": page.next})


class RecentList(LabsHandler):
    """Labs that were opened or published here last."""

    @authenticated
    @authorized
    async def get(self) -> None:
        visits = await self.thread(self.tools.recent.list)
        self.give({"items": [asdict(visit) for visit in visits]})


class Standing(LabsHandler):
    """How a file or a folder stands to its lab."""

    @authenticated
    @authorized
    async def get(self) -> None:
        path = self.get_query_argument("path", "")
        self.give({"lab": await self.thread(self.tools.opening.standing, path)})


class PublishPreview(LabsHandler):
    """Exactly what would leave."""

    @authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        preview = await self.thread(
            self.tools.publishing.preview,
            body.text("path"),
            again=bool(body.flag("again")),
            strip=body.flag("strip"),
        )
        self.give(asdict(preview))


class Publish(LabsHandler):
    """Publish as a new lab."""

    @authenticated
    @authorized
    def post(self) -> None:
        body = self.body()
        draft = LabDraft(
            title=body.text("title"),
            name=body.text("name", ""),
            owner=body.text("owner", ""),
            description=body.text("description", ""),
            tags=body.texts("tags"),
            visibility=body.text("visibility"),
            licence=body.text("licence"),
            image=self.tools.config.image or None,
            flavour=self.tools.config.flavour or None,
            message=body.text("message", ""),
        )
        path, strip = body.text("path"), bool(body.flag("strip"))

        def work(job: Job) -> dict[str, Any]:
            return self.tools.publishing.publish(path, draft, strip=strip, job=job)

        self.set_status(HTTPStatus.ACCEPTED)
        self.give(self.tools.jobs.start("publish", work).to_json())


class Revise(LabsHandler):
    """Publish the next revision."""

    @authenticated
    @authorized
    def post(self) -> None:
        body = self.body()
        path, message, strip = body.text("path"), body.text("message", ""), body.flag("strip")

        def work(job: Job) -> dict[str, Any]:
            try:
                return self.tools.publishing.revise(path, message=message, strip=strip, job=job)
            finally:
                # There is a newer revision now, be it this one or the one that stands in the way.
                self.tools.opening.forget_newest(path)

        self.set_status(HTTPStatus.ACCEPTED)
        self.give(self.tools.jobs.start("publish", work).to_json())


class JobState(LabsHandler):
    """How far a job is; DELETE cancels it."""

    @authenticated
    @authorized
    def get(self, job_id: str) -> None:
        self.give(self._job(job_id).to_json())

    @authenticated
    @authorized
    def delete(self, job_id: str) -> None:
        self._job(job_id).cancel()
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()

    def _job(self, job_id: str) -> Job:
        job = self.tools.jobs.get(job_id)
        if job is None:
            raise HTTPError(HTTPStatus.NOT_FOUND, "There is no such job any more.")
        return job


class Open(LabsHandler):
    """Lay a lab here: one of yours, or a fork of another's."""

    @authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        name = body.text("lab")
        if body.flag("fork"):
            name = (await self.thread(self.tools.opening.fork, name)).full_name
        opened = await self.thread(self.tools.opening.open, name)
        self.give({"lab": opened.lab, "path": opened.path, "folder": opened.folder})


class UpdatePreview(LabsHandler):
    """What an update would do."""

    @authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        path, source = body.text("path"), body.choice("source", Source)
        self.give(await self.thread(self.tools.updating.look, path, source))


class Update(LabsHandler):
    """Merge what is newer into the files here."""

    @authenticated
    @authorized
    async def post(self) -> None:
        body = self.body()
        path, source = body.text("path"), body.choice("source", Source)
        self.give(await self.thread(self.tools.updating.update, path, source))


class UpdateUndo(LabsHandler):
    """Put the files back as they were before the last update."""

    @authenticated
    @authorized
    async def post(self) -> None:
        self.give(await self.thread(self.tools.updating.undo, self.body().text("path")))


class Adopt(LabsHandler):
    """Make the files of another's lab those of a fork of yours."""

    @authenticated
    @authorized
    async def post(self) -> None:
        self.give(await self.thread(self.tools.opening.adopt, self.body().text("path")))


class Requirements(LabsHandler):
    """What a lab needs that is not here; POST installs it."""

    @authenticated
    @authorized
    async def get(self) -> None:
        path = self.get_query_argument("path", "")
        self.give({"offer": await self.thread(self.tools.packages.offer, path)})

    @authenticated
    @authorized
    def post(self) -> None:
        path = self.body().text("path")
        job = self.tools.jobs.start("install", lambda job: self.tools.packages.install(path, job))
        self.set_status(HTTPStatus.ACCEPTED)
        self.give(job.to_json())


class PackagesReset(LabsHandler):
    """Move installed packages aside."""

    @authenticated
    @authorized
    async def post(self) -> None:
        self.give(await self.thread(self.tools.packages.reset))


class IdleState(LabsHandler):
    """When this server stops for standing still; POST says that someone is here.

    With `now` the hub is told at once: a person asked for it.
    """

    @authenticated
    @authorized
    def get(self) -> None:
        self.give(self._state())

    @authenticated
    @authorized
    async def post(self) -> None:
        if self.body().flag("now"):
            await self.tools.activity.keep()
        else:
            self.tools.activity.touch()
        self.give(self._state())

    def _state(self) -> dict[str, Any]:
        found = idle(
            busy=self.tools.activity.busy(),
            last_activity=self.tools.activity.last(),
            now=self.tools.activity.now(),
            idle_minutes=self.tools.config.idle_minutes,
            warning_minutes=self.tools.config.idle_warning_minutes,
        )
        return asdict(found) | {"is_due": found.is_due}


class NoticeState(LabsHandler):
    """What the site tells the people of this server."""

    @authenticated
    @authorized
    def get(self) -> None:
        self.give(self.tools.notices.state(self.get_query_argument("window", "")))


class NoticeSaved(LabsHandler):
    """A window has saved what is open in it."""

    @authenticated
    @authorized
    def post(self) -> None:
        self.tools.notices.saved(self.body().text("window"))
        self.give({})


class NoticeKeep(LabsHandler):
    """Somebody needs this server now."""

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.tools.notices.keep()
        self.give({})


class NoticeStop(LabsHandler):
    """Save and stop this server: its person says so."""

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.tools.notices.stop_now()
        self.give({})


class GpuState(LabsHandler):
    """What this server has of the site's GPUs, and does there."""

    @authenticated
    @authorized
    async def get(self) -> None:
        seconds = self.get_query_argument("seconds", "0")
        if not seconds.isdecimal():
            raise HTTPError(HTTPStatus.BAD_REQUEST, "`seconds` is a number: how far back to tell.")
        server = self.tools.config.server_name
        self.give(await self.thread(self.tools.hub.gpu, server, seconds=int(seconds)))


def lab_json(lab: Lab) -> dict[str, Any]:
    """Return what the panel shows of a lab."""
    return {
        "lab": lab.full_name,
        "owner": lab.owner,
        "name": lab.name,
        "title": lab.title,
        "description": lab.description,
        "tags": list(lab.tags),
        "visibility": lab.visibility,
        "image": lab.image,
        "revision": lab.revision,
        "forks": lab.forks,
        "stars": lab.stars,
        "updated_at": lab.updated_at.isoformat(),
        "url": lab.url,
        "mine": lab.may_edit,
    }


ROUTES: Final[tuple[tuple[str, type[LabsHandler]], ...]] = (
    ("about", About),
    ("choices", Choices),
    ("labs", LabList),
    ("recent", RecentList),
    ("standing", Standing),
    ("preview", PublishPreview),
    ("publish", Publish),
    ("revise", Revise),
    (r"jobs/([A-Za-z0-9_-]+)", JobState),
    ("open", Open),
    ("update", Update),
    ("update/preview", UpdatePreview),
    ("update/undo", UpdateUndo),
    ("adopt", Adopt),
    ("requirements", Requirements),
    ("packages/reset", PackagesReset),
    ("idle", IdleState),
    ("notices", NoticeState),
    ("notices/saved", NoticeSaved),
    ("notices/keep", NoticeKeep),
    ("notices/stop", NoticeStop),
    ("gpu", GpuState),
)
