"""What the API's description is tried on, and how a made-up request is led to what is there.

A schema says what an owner looks like, not who is one: nearly all that is made from it alone is
answered with 404, whatever the code behind does. So most requests get names of this world.
"""

import hashlib
import random
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
from tests.support.content import tar_of
from tests.support.many_labs import notebook
from tests.support.site import Site
from tests.support.site_labs import api, parts

ASKER, OTHER = "api-asker", "api-other"
LIMITS = {
    "requests_per_minute": 1_000_000,
    "searches_per_minute": 1_000_000,
    "publishes_per_hour": 1_000_000,
    "labs_per_person": 1_000_000,
}
"""Of a site that answers as often as it is asked."""
RUNS = {"schedules": 1_000_000}
DATASETS = {"uploads": 1_000_000}

LACKING = "0" * 64
"""The SHA-256 of no content."""

LED = 0.9
"""How many of the parts of a request are led, one by one."""

# Nobody waits for a GPU that is not there, and no container is made for a run like this.
_OF_A_RUN: dict[str, list[Any]] = {
    "revision": [1, 2, None],
    "path": ["main.ipynb", None],
    "image": [None],
    "flavour": ["gpu-small"],
    "name": ["A try"],
    "note": ["", "Why"],
}

# Of no day that is near.
_OF_A_SCHEDULE: dict[str, list[Any]] = _OF_A_RUN | {
    "cron": ["0 6 29 2 *"],
    "zone": ["UTC", "Europe/Berlin"],
    "parameters": [None],
}

_OF_A_SWEEP: dict[str, list[Any]] = _OF_A_RUN | {
    "path": ["train.py"],
    "grid": [{"seed": [1, 2]}],
    "parameters": [{}],
}

_OF_MINE = ("/runs", "/schedules", "/sweeps", "/verifications")
_SERIAL = count()


@dataclass(frozen=True, slots=True)
class ApiWorld:
    """Labs of two people.

    Attributes:
        mine: a public lab of the asker, r1 and r2; the other's fork of it is offered as #1. Its
            run #1 was stopped while it waited.
        theirs: a public lab of the other, r1 to r3; the asker's fork of it is offered as #1.
        fork: that fork: r1 and r2, and r3 of the original is to be had.
        caught: another fork of the asker's: r3 of the original is in its r3, and was not offered.
        gone: a lab in the asker's trash.
        run: the id of the run #1 of mine.
        schedule: the id of the asker's schedule of mine.
        verification: the number of the run that verified mine, and was stopped.
        upload: the id of an upload to the asker's dataset, called as mine: of `LACKING`, which has
            to be sent. A dataset called as gone is in the trash.
        ready: the id of one of which nothing has to be sent.
    """

    mine: str
    theirs: str
    fork: str
    caught: str
    gone: str
    run: int
    schedule: int
    verification: int
    upload: str
    ready: str

    @property
    def labs(self) -> tuple[tuple[str, str], ...]:
        """Whose lab and which; the asker's own twice as often."""
        own = ((ASKER, self.mine), (ASKER, self.fork), (ASKER, self.caught))
        return (*own, *own, (OTHER, self.theirs), (ASKER, self.gone))

    def lead(self, case: Any, dice: random.Random) -> None:
        """Put what is there into most parts of a request of schemathesis."""
        known = self._in_path(case.operation.path, dice)
        _put(case.path_parameters, known, dice)
        _put(case.query, self._in_query(), dice)
        _put(case.headers, {"Idempotency-Key": [f"key-{next(_SERIAL)}"], "If-Match": [None]}, dice)
        of_paths = {"runs": _OF_A_RUN, "schedules": _OF_A_SCHEDULE, "sweeps": _OF_A_SWEEP}
        of_paths["uploads"] = {"message": [""], "files": [[announced()]]}
        said = of_paths.get(case.operation.path.rpartition("/")[2]) or self._in_body()
        for body in (case.body, *(case.body.values() if isinstance(case.body, dict) else ())):
            _put(body, said, dice)

    def _in_path(self, path: str, dice: random.Random) -> dict[str, list[Any]]:
        owner, name = dice.choice(self.labs)
        if "/trash/" in path:
            owner, name = ASKER, self.gone
        elif "/datasets/" in path:
            owner, name = ASKER, self.mine
        elif "/proposals" in path:
            owner, name = dice.choice(((ASKER, self.mine), (OTHER, self.theirs)))
        elif any(part in path for part in _OF_MINE):
            owner, name = ASKER, self.mine
        elif "/people/" in path:
            name = OTHER
        elif "/templates/" in path:
            name = "blank"
        return {
            "owner": [owner],
            "name": [name],
            "number": [self._number(path)],
            "run": [self.run],
            "revision": ["1", "2"],
            "path": ["main.ipynb", "data/a.csv", "a.png"],
            "version": ["1", "latest"],
            "upload": [self.ready if path.endswith("/finish") else self.upload],
            "sha256": [LACKING],
            "kind": ["person"],
            "member": [OTHER],
        }

    def _number(self, path: str) -> int:
        if "/schedules" in path:
            return self.schedule
        return self.verification if "/verifications" in path else 1

    def _in_query(self) -> dict[str, list[Any]]:
        return {
            "from": ["", "r1", "1"],
            "to": ["", "r2", "2"],
            "with": ["", f"{OTHER}/{self.theirs}", f"{ASKER}/{self.fork}"],
            "cursor": [None],
            "at": [0],
            "tag": ["", "toy"],
            "owner": [ASKER, OTHER],
        }

    def _in_body(self) -> dict[str, list[Any]]:
        return {
            "files": [tar_of({"main.ipynb": notebook("3 + 3"), "b.txt": b"b"}).read()],
            "base": [1, 2, None],
            "to": [None, 2, 3],
            "synced": [None, 1],
            "revision": [2],
            "fork": [f"{ASKER}/{self.caught}", f"{ASKER}/{self.fork}", f"{OTHER}/{self.mine}"],
            "owner": [None],
            "name": [None, f"new-{next(_SERIAL)}"],
            "licence": ["MIT"],
            "image": [None],
            "flavour": [None],
            "tags": [["toy"]],
            "title": ["A title"],
            "description": ["", "About *it*"],
            "message": ["", "Why"],
            "text": ["Some **words**"],
            "path": [None, "main.ipynb"],
            "cell": [None, "cell-1"],
        }


def make_world(site: Site) -> ApiWorld:
    """Make a world of labs of its own."""
    serial = next(_SERIAL)
    mine, theirs, fork, caught, gone = (
        f"{what}-{serial}" for what in ("mine", "theirs", "fork", "caught", "gone")
    )
    with api(site, site.token(ASKER)) as asker, api(site, site.token(OTHER)) as other:
        for client, name in ((asker, mine), (other, theirs), (asker, gone)):
            body = {"title": name.title(), "name": name, "visibility": "public", "tags": ["toy"]}
            _done(client.post("/labs", files=parts("lab", body, _files("1"))))
        _revise(asker, f"{ASKER}/{mine}", _files("2"))
        _revise(other, f"{OTHER}/{theirs}", _files("2"))
        _done(asker.put(f"/labs/{ASKER}/{mine}/members/person/{OTHER}", json={"role": "editor"}))
        for client, original, name in (
            (other, f"{ASKER}/{mine}", mine),
            (asker, f"{OTHER}/{theirs}", fork),
            (asker, f"{OTHER}/{theirs}", caught),
        ):
            made = _done(client.post(f"/labs/{original}/forks", json={"name": name}))
            path = f"{made['owner']}/{made['name']}"
            _revise(client, path, _files("2") | {"c.txt": b"c"})
            if name != caught:
                said = {"fork": path, "title": "Take this", "text": ""}
                _done(client.post(f"/labs/{original}/proposals", json=said))
        _revise(other, f"{OTHER}/{theirs}", _files("3"))
        _done(asker.post(f"/labs/{ASKER}/{caught}/update", json={"to": 3}))
        run = _done(asker.post(f"/labs/{ASKER}/{mine}/runs", json={"flavour": "gpu-small"}))
        _done(asker.post(f"/labs/{ASKER}/{mine}/runs/1/stop"))
        seeds = {"grid": {"seed": [1, 2]}, "path": "train.py", "flavour": "gpu-small"}
        _done(asker.post(f"/labs/{ASKER}/{mine}/sweeps", json=seeds))
        _done(asker.post(f"/labs/{ASKER}/{mine}/sweeps/1/stop"))
        rarely = {"cron": "0 6 29 2 *", "run": {"flavour": "gpu-small"}}
        schedule = _done(asker.post(f"/labs/{ASKER}/{mine}/schedules", json=rarely))
        # A size that nothing here has room for: its verifications wait, and start nothing.
        _done(asker.patch(f"/labs/{ASKER}/{mine}", json={"flavour": "gpu-small"}))
        proof = _done(asker.post(f"/labs/{ASKER}/{mine}/verifications"))
        _done(asker.post(f"/labs/{ASKER}/{mine}/runs/{proof['number']}/stop"))
        asker.delete(f"/labs/{ASKER}/{gone}").raise_for_status()
        upload, ready = _datasets(asker, mine, gone)
    return ApiWorld(
        mine=mine,
        theirs=theirs,
        fork=fork,
        caught=caught,
        gone=gone,
        run=run["id"],
        schedule=schedule["id"],
        verification=proof["number"],
        upload=upload,
        ready=ready,
    )


def announced(content: bytes = b"", path: str = "data/a.csv") -> dict[str, Any]:
    """A file that a version is to hold; without a content what nobody has."""
    digest = hashlib.sha256(content).hexdigest() if content else LACKING
    return {"path": path, "size": len(content) or 10_000_000, "sha256": digest}


def _datasets(client: httpx.Client, mine: str, gone: str) -> tuple[str, str]:
    """Make two datasets; return an upload that lacks something, and one that does not."""
    for name in (mine, gone):
        body = {"name": name, "visibility": "public", "tags": ["toy"]}
        _done(client.post("/datasets", json=body))
    client.delete(f"/datasets/{ASKER}/{gone}").raise_for_status()
    address, known = f"/datasets/{ASKER}/{mine}", announced(b"1,2\n")
    _done(client.put(f"{address}/members/person/{OTHER}", json={"role": "viewer"}))
    first = _done(client.post(f"{address}/uploads", json={"files": [known]}))["id"]
    sent = f"{address}/uploads/{first}/contents/{known['sha256']}"
    _done(client.put(sent, content=b"1,2\n"))
    _done(client.post(f"{address}/uploads/{first}/finish"))
    lacks, has = (
        _done(client.post(f"{address}/uploads", json={"files": [one]}))["id"]
        for one in (announced(), known)
    )
    return str(lacks), str(has)


def _files(number: str) -> dict[str, bytes]:
    return {
        "main.ipynb": notebook(f"print({number})"),
        "data/a.csv": b"1,2\n",
        "a.png": b"PNG",
        "train.py": b"",
    }


def _revise(client: httpx.Client, lab: str, files: dict[str, bytes]) -> None:
    sent = parts("revision", {"message": "A step"}, files)
    _done(client.post(f"/labs/{lab}/revisions", files=sent))


def _done(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def _put(part: Any, known: dict[str, list[Any]], dice: random.Random) -> None:
    """Put known values at the keys of a part that has them; None takes the key away."""
    if not hasattr(part, "keys"):
        return
    for key in [key for key in part if key in known]:
        value = dice.choice(known[key])
        # What has parts of its own is led by them, unless the whole of it is known.
        if dice.random() > LED or (isinstance(part[key], dict) and not isinstance(value, dict)):
            continue
        if value is None:
            del part[key]
        else:
            part[key] = value
