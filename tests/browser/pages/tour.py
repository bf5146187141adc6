"""Every page of a site and who looks at it: the one table that looks, barriers and weight are tested by."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Browser, BrowserContext
from tests.support import browser as ours
from tests.support.content import cell, moons_lab, notebook
from tests.support.hub import new_link, submit
from tests.support.site import Site

from machinelabs import Hub, LabDraft, TarStream
from machinelabs.datasets import DatasetFile, digest_of
from machinelabs.folder import scan
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.plans.model import Session, Use
from machinelabs_hub.plans.usage import UsageTable
from machinelabs_hub.plans.windows import split
from machinelabs_hub.sites import database_url

OWNER, READER, NEWCOMER = "tour-ada", "tour-ben", "tour-cleo"


class Who(StrEnum):
    """Who looks."""

    VISITOR = "visitor"
    OWNER = "owner"
    READER = "reader"
    NEWCOMER = "newcomer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Stop:
    """One page. `foreign` says whose program draws it, where it is not ours."""

    name: str
    address: str
    who: Who = Who.VISITOR
    status: int = 200
    foreign: str = ""

    def __str__(self) -> str:
        return self.name


LAB: Final = f"{{labs}}/{OWNER}/two-moons"
FORK: Final = f"{{labs}}/{READER}/two-moons"

STOPS: Final = (
    # ---- the hub's, before one is signed in
    Stop("login", "{hub}/hub/login"),
    Stop("sign-up", "{hub}/hub/signup?code={invitation}"),
    Stop("sign-up-closed", "{hub}/hub/signup"),
    Stop("password", "{hub}/hub/password?code={reset}"),
    Stop("password-code-used", "{hub}/hub/password?code=of-nothing", status=410),
    Stop("sign-out", "{hub}/hub/logout"),
    # ---- the hub's, for people
    Stop("home", "{hub}/hub/home", Who.OWNER),
    Stop("start", "{hub}/hub/spawn/" + OWNER, Who.OWNER),
    Stop("account", "{hub}/hub/account", Who.OWNER),
    Stop("tokens", "{hub}/hub/token", Who.OWNER),
    Stop("not-running", "{hub}/hub/user/" + OWNER + "/lab", Who.OWNER, 424),
    Stop("hub-403", "{hub}/hub/people", Who.OWNER, 403),
    Stop("hub-404", "{hub}/hub/nothing-here", Who.OWNER, 404),
    Stop("hub-500", "{hub}/hub/error/500", Who.OWNER),
    Stop("hub-503", "{hub}/hub/error/503", Who.OWNER),
    # ---- the hub's, for admins
    Stop("people", "{hub}/hub/people", Who.ADMIN),
    Stop("delete-person", "{hub}/hub/people/" + READER + "/delete", Who.ADMIN),
    Stop("all-servers", "{hub}/hub/admin", Who.ADMIN, foreign="JupyterHub's own table, in React"),
    # ---- the labs', for everybody
    Stop("explore", "{labs}/"),
    Stop("search", "{labs}/?q=moons"),
    Stop("search-nothing", "{labs}/?q=nothing-like-it"),
    Stop("lab", LAB),
    Stop("lab-old-revision", LAB + "/@r1"),
    Stop("fork", FORK),
    Stop("files", LAB + "/files"),
    Stop("files-folder", LAB + "/files/data"),
    Stop("file-table", LAB + "/files/data/moons.csv"),
    Stop("file-code", LAB + "/files/model.py"),
    Stop("file-image", LAB + "/files/figures/boundary.png"),
    Stop("revisions", LAB + "/revisions"),
    Stop("forks", LAB + "/forks"),
    Stop("fork-to-group", LAB + "/fork", Who.READER),
    Stop("leave", LAB + "/leave", Who.READER),
    Stop("person", "{labs}/" + OWNER),
    Stop("limits", "{labs}/limits"),
    Stop("labs-404", "{labs}/nobody/nothing", status=404),
    # ---- the labs', for people
    Stop("explore-signed-in", "{labs}/", Who.OWNER),
    Stop("lab-of-mine", LAB, Who.OWNER),
    Stop("my-labs", "{labs}/" + OWNER, Who.OWNER),
    Stop("revisions-of-mine", LAB + "/revisions", Who.OWNER),
    Stop("settings", LAB + "/settings", Who.OWNER),
    Stop("trash", "{labs}/trash", Who.OWNER),
    Stop("members", LAB + "/settings#members", Who.OWNER),
    Stop("new", "{labs}/new", Who.OWNER),
    Stop("new-of-group", "{labs}/new", Who.READER),
    Stop("shared", "{labs}/shared", Who.OWNER),
    Stop("connect", "{labs}/connect?code={program}", Who.OWNER),
    Stop("connect-no-code", "{labs}/connect", Who.OWNER),
    Stop("connected", "{labs}/connect/done", Who.OWNER),
    # ---- plans and hours
    Stop("usage", "{labs}/-/usage", Who.OWNER),
    Stop("usage-of-everybody", "{labs}/-/usage/people", Who.ADMIN),
    Stop("gpus", "{labs}/-/gpus", Who.ADMIN),
    Stop("gpus-for-admins-only", "{labs}/-/gpus", Who.OWNER, 403),
    # ---- work between a fork and its original
    Stop("compare", LAB + "/compare?from=r1&to=r3"),
    Stop("compare-fork", FORK + "/compare?with=" + OWNER + "/two-moons&from=r1"),
    Stop("fork-of-mine", FORK, Who.READER),
    Stop("update", FORK + "/update", Who.READER),
    Stop("proposals", LAB + "/proposals"),
    Stop("proposal", LAB + "/proposals/1"),
    Stop("proposal-to-me", LAB + "/proposals/1", Who.OWNER),
    Stop("propose", LAB + "/proposals/new?fork=" + READER + "/two-moons", Who.READER),
    # ---- runs
    Stop("runs", LAB + "/runs"),
    Stop("run", LAB + "/runs/1"),
    Stop("run-of-mine", LAB + "/runs/1", Who.OWNER),
    Stop("run-line", LAB + "/runs/1?line=1"),
    Stop("run-metrics", LAB + "/runs/1/metrics"),
    Stop("run-notebook", LAB + "/runs/1/notebook"),
    Stop("verify", LAB + "/verify"),
    Stop("verification", LAB + "/verify/1"),
    Stop("runs-compared", LAB + "/runs/compare?run=2&run=3"),
    Stop("sweeps", LAB + "/sweeps"),
    Stop("sweep", LAB + "/sweeps/1", Who.OWNER),
    Stop("run-new", LAB + "/runs/new", Who.OWNER),
    Stop("run-new-script", LAB + "/runs/new?path=model.py", Who.OWNER),
    Stop("schedules", LAB + "/schedules", Who.OWNER),
    Stop("own-runs", "{labs}/-/runs", Who.OWNER),
    # ---- datasets
    Stop("datasets", "{labs}/datasets"),
    Stop("datasets-of-mine", "{labs}/datasets?owner=" + OWNER, Who.OWNER),
    Stop("datasets-nothing", "{labs}/datasets?q=nothing-like-it"),
    Stop("dataset", "{labs}/datasets/" + OWNER + "/moons"),
    Stop("dataset-of-mine", "{labs}/datasets/" + OWNER + "/moons/@v1", Who.OWNER),
    Stop("dataset-file", "{labs}/datasets/" + OWNER + "/moons/@v2/files/moons.csv"),
    Stop("dataset-empty", "{labs}/datasets/" + OWNER + "/to-come", Who.OWNER),
    Stop("dataset-upload", "{labs}/datasets/" + OWNER + "/moons/upload", Who.OWNER),
    Stop("dataset-settings", "{labs}/datasets/" + OWNER + "/moons/settings", Who.OWNER),
    Stop("dataset-new", "{labs}/datasets/new", Who.OWNER),
    # ---- where there is nothing yet
    Stop("welcome", "{hub}/hub/home", Who.NEWCOMER),
    Stop("no-labs", "{labs}/" + NEWCOMER, Who.NEWCOMER),
    Stop("no-trash", "{labs}/trash", Who.NEWCOMER),
    Stop("no-usage", "{labs}/-/usage", Who.NEWCOMER),
    Stop("nothing-shared", "{labs}/shared", Who.NEWCOMER),
    Stop("no-proposals", FORK + "/proposals"),
    Stop("no-own-runs", "{labs}/-/runs", Who.NEWCOMER),
    Stop("no-schedules", FORK + "/schedules", Who.READER),
    Stop("no-runs", FORK + "/runs"),
    Stop("no-sweeps", FORK + "/sweeps"),
    Stop("no-verify", FORK + "/verify"),
    Stop("open", LAB + "/open", Who.OWNER),
    Stop("open-fork", FORK + "/open", Who.OWNER),
)


@dataclass(frozen=True, slots=True)
class Tour:
    """A site with something to see, and the browsers of those who look."""

    site: Site
    codes: dict[str, str]
    contexts: dict[Who, BrowserContext]

    def address(self, stop: Stop) -> str:
        """Return where a stop is."""
        return stop.address.format(hub=self.site.url, labs=self.site.labs_url, **self.codes)


@contextmanager
def tour(site: Site, browser: Browser, folder: Path) -> Iterator[Tour]:
    """Publish something to see, sign people in, and give their browsers."""
    publish(site, folder)
    publish_data(site)
    run(site)
    use_hours(site)
    site.make_group("tour-vision", READER)
    admin = site.sign_in(site.admin)
    invited = submit(admin, "/hub/people/invite", {"group": "students"}, form="/hub/people")
    site.make_user(READER)
    reset = submit(admin, "/hub/people/reset", {"name": READER}, form="/hub/people")
    with Hub(f"{site.addresses.labs_local}/services/labs") as program:
        waits = program.handshakes.begin(device="ada's laptop")
    codes = {
        "program": waits.code,
        "invitation": new_link(invited).partition("code=")[2],
        "reset": new_link(reset).partition("code=")[2],
    }
    contexts = {who: ours.new_person(browser) for who in Who}
    for context in contexts.values():
        # The page that opens a lab goes on by itself; those who look want to see it.
        context.add_init_script("HTMLFormElement.prototype.requestSubmit = () => undefined")
    for who, name in (
        (Who.OWNER, OWNER),
        (Who.READER, READER),
        (Who.NEWCOMER, NEWCOMER),
        (Who.ADMIN, site.admin),
    ):
        password = site.admin_password if name == site.admin else site.make_user(name)
        page = contexts[who].new_page()
        ours.sign_in(page, site.url, name, password)
        page.goto(f"{site.labs_url}/login?next=/services/labs/")
        page.close()
    yield Tour(site, codes, contexts)
    for context in contexts.values():
        context.close()


def publish(site: Site, folder: Path) -> None:
    """Publish labs with revisions and forks, and put one into the trash."""
    address = f"{site.addresses.labs_local}/services/labs"

    def files(**changed: bytes) -> TarStream:
        root = folder / f"lab-{len(list(folder.glob('lab-*')))}"
        for path, content in (moons_lab() | changed).items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return TarStream(scan(root).files)

    with Hub(address, site.token(OWNER)) as ada, Hub(address, site.token(READER)) as ben:
        draft = LabDraft(
            "Two moons", name="two-moons", description="How far a very small network gets",
            tags=("numpy", "teaching"), visibility="public", image="datascience",
        )  # fmt: skip
        ada.labs.publish(draft, files())
        faster = {"model.py": moons_lab()["model.py"].replace(b"rate=0.1", b"rate=0.5")}
        mine, theirs = _trains_for("200, 50"), _trains_for("800, 100")
        ada.labs.revise(f"{OWNER}/two-moons", files(**faster), base=1, message="Train faster")
        fork = ben.labs.fork(f"{OWNER}/two-moons")
        ben.labs.revise(fork.full_name, files(**faster, **mine, **{"notes.md": b"Mine.\n"}),
                        base=fork.revision, message="Shorter, with notes")  # fmt: skip
        ada.labs.revise(f"{OWNER}/two-moons", files(**faster, **theirs), base=2,
                        message="Train longer")  # fmt: skip
        for number in range(6):
            book = notebook([cell("code", f"print({number})", "a")])
            small = LabDraft(f"Exercise {number}", visibility="unlisted" if number == 3 else "public",
                             tags=("exercise",))  # fmt: skip
            ada.labs.publish(small, files(**{"main.ipynb": book}))
    ask = {"Authorization": f"token {site.token(READER)}"}
    offer = {"fork": f"{READER}/two-moons", "title": "Notes on the boundary", "text": "For class."}
    api = f"{site.labs_url}/api/v1/labs/{OWNER}"
    site.visitor().post(f"{api}/two-moons/proposals", headers=ask, json=offer).raise_for_status()
    token = {"Authorization": f"token {site.token(OWNER)}"}
    member = f"{api}/two-moons/members/person/{READER}"
    site.visitor().put(member, headers=token, json={"role": "viewer"}).raise_for_status()
    site.visitor().delete(f"{api}/exercise-5", headers=token).raise_for_status()


def publish_data(site: Site) -> None:
    """Upload a dataset in two versions, and make one that has none."""
    with Hub(f"{site.addresses.labs_local}/services/labs", site.token(OWNER)) as ada:
        data, path = ada.datasets, f"{OWNER}/moons"
        data.make(path, title="Two moons", visibility="public", tags=["toy"], description="Rows.")
        data.make(f"{OWNER}/to-come", title="To come")
        for row in (b"0.1,0.2,0\n", b"1.1,-0.2,1\n"):
            files = {"README.md": b"# Two moons\n", "moons.csv": b"x,y,label\n" + row}
            with TemporaryDirectory() as folder:
                sent = {}
                for name, content in files.items():
                    (Path(folder) / name).write_bytes(content)
                    one = DatasetFile(name, *digest_of(Path(folder) / name))
                    sent[one.sha256] = one
                upload = data.begin(path, tuple(sent.values()))
                for sha256 in upload.missing:
                    source = Path(folder) / sent[sha256].path
                    data.send(path, upload, sha256, source, lambda _: None)
                data.finish(path, upload)


def run(site: Site) -> None:
    """Run the lab to its end, which is an error in its first cell that needs what is not there."""
    with Hub(f"{site.addresses.labs_local}/services/labs", site.token(OWNER)) as ada:
        made = ada.verifications.order(f"{OWNER}/two-moons")
        for _ in ada.runs.follow(made.lab, made.number):
            pass
        assert ada.runs.get(made.lab, made.number).state == "failed"
        swept = ada.sweeps.order(
            f"{OWNER}/two-moons", {"seed": [1, 2]}, path="model.py", name="Seeds"
        )
        for one in swept.runs:
            for _ in ada.runs.follow(swept.lab, one.number):
                pass
    rarely = {"cron": "0 6 29 2 *", "zone": "Europe/Berlin", "run": {"name": "On leap days"}}
    token = {"Authorization": f"token {site.token(OWNER)}"}
    address = f"{site.labs_url}/api/v1/labs/{OWNER}/two-moons/schedules"
    site.visitor().post(address, headers=token, json=rarely).raise_for_status()


def use_hours(site: Site) -> None:
    """Let the owner have used some hours, and get some more."""
    now = datetime.now(UTC)
    sizes = (
        ("gpu-small", Fraction(1)),
        ("gpu-quarter", Fraction(1, 4)),
        ("cpu-small", Fraction(0)),
    )
    uses = []
    for day in range(min(now.day, 12)):
        flavour, cards = sizes[day % 3]
        since = now - timedelta(days=day, hours=2 + day % 4)
        session = Session(f"tour-{day}", OWNER, "", flavour, cards)
        for month, begin, end in split(since, since + timedelta(hours=1 + day % 3)):
            spent = session.charge((end - begin).total_seconds())
            uses.append(Use(session, month, begin, end, spent))
    engine = open_engine(database_url(site.settings))
    UsageTable(sessions=session_maker(engine)).save(uses)
    engine.dispose()
    given = {"user": OWNER, "gpu_hours": 5, "reason": "A paper's deadline"}
    token = {"Authorization": f"token {site.token(site.admin)}"}
    address = f"{site.labs_url}/api/v1/hour-grants"
    site.visitor().post(address, headers=token, json=given).raise_for_status()


def _trains_for(epochs: str) -> dict[str, bytes]:
    """Return the notebook with another loop in its training cell."""
    book = moons_lab()["main.ipynb"]
    changed = book.replace(b"range(0, 400, 100)", f"range(0, {epochs})".encode())
    assert changed != book
    return {"main.ipynb": changed}
