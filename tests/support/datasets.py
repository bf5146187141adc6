"""Versions of datasets: sent over HTTP as a program sends them, or through the services."""

import hashlib
from collections.abc import Mapping
from typing import Any

import httpx

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.dataset import Dataset, DatasetDraft, DatasetFile
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make(api: httpx.Client, who: str, name: str, **said: Any) -> dict[str, Any]:
    answer = api.post("/datasets", json={"name": name, **said}, headers={"X-As": who})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def begin(
    api: httpx.Client, who: str, path: str, files: Mapping[str, bytes], message: str = ""
) -> dict[str, Any]:
    said = [
        {"path": name, "size": len(content), "sha256": sha256(content)}
        for name, content in files.items()
    ]
    answer = api.post(
        f"/datasets/{path}/uploads",
        json={"files": said, "message": message},
        headers={"X-As": who},
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def push(
    api: httpx.Client, who: str, path: str, files: Mapping[str, bytes], message: str = ""
) -> dict[str, Any]:
    """Make the next version of a dataset."""
    upload = begin(api, who, path, files, message)
    contents = {sha256(content): content for content in files.values()}
    at = f"/datasets/{path}/uploads/{upload['id']}"
    for name in upload["missing"]:
        sent = api.put(f"{at}/contents/{name}", content=contents[name], headers={"X-As": who})
        assert sent.status_code == 200, sent.text
    answer = api.post(f"{at}/finish", headers={"X-As": who})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stored(
    tools: Tools, person: Person, name: str, *versions: Mapping[str, bytes], **said: Any
) -> Dataset:
    """Make a dataset with these versions through the services."""
    ctx = Context(person=person, tools=tools, hub=None)  # type: ignore[arg-type]
    made = ctx.datasets.make(DatasetDraft(name=name, **said))
    for files in versions:
        announced = [DatasetFile(path, len(one), sha256(one)) for path, one in files.items()]
        upload = ctx.dataset_uploads.begin(made.owner, made.name, "", announced)
        contents = {sha256(one): one for one in files.values()}
        for lacking in {
            file.sha256 for file in ctx.dataset_uploads.files(upload) if not file.is_here
        }:
            with ctx.dataset_uploads.sending(upload, lacking, 0) as sending:
                sending.write(contents[lacking])
                assert sending.end()
        ctx.dataset_uploads.finish(made.owner, made.name, upload)
    return ctx.datasets.get(made.owner, made.name)
