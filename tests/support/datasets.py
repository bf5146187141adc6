"""Versions of datasets, sent to a labs service over HTTP as a program sends them."""

import hashlib
from collections.abc import Mapping
from typing import Any

import httpx


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
