"""How much of a request is read before anybody knows whose it is."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.guard import API, MOST_BYTES, most_bytes

MULTIPART = "multipart/form-data; boundary=x"
GIT = "application/x-git-receive-pack-request"
WRITTEN_TO_DISK = {
    ("POST", MULTIPART, f"{API}/v1/labs"),
    ("POST", MULTIPART, f"{API}/v1/labs/{{owner}}/{{name}}/revisions"),
    ("POST", MULTIPART, f"{API}/v1/labs/{{owner}}/{{name}}/merge"),
    ("PUT", "", f"{API}/v1/datasets/{{owner}}/{{name}}/uploads/{{upload}}/contents/{{sha256}}"),
    ("PUT", "", f"{API}/v1/runner/{{run}}/outputs/{{path:path}}"),
    ("PUT", "", f"{API}/v1/runner/{{run}}/notebook"),
    ("POST", GIT, "/services/labs/{owner}/{name}.git/{rest:path}"),
    ("POST", GIT, f"{API}/git/{{owner}}/{{name}}.git/{{rest:path}}"),
}
SECONDLY_LARGE = {
    ("POST", f"{API}/v1/runner/{{run}}/events"),
    ("POST", f"{API}/v1/datasets/{{owner}}/{{name}}/uploads"),
}
KINDS = ("", "application/json", "application/octet-stream", MULTIPART, GIT)
ASKED = {
    "{upload}": "a" * 32,
    "{sha256}": "b" * 64,
    "{run}": "7",
    "{path:path}": "a/b",
    "{rest:path}": "git-receive-pack",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as one:
        yield one


def limit(method: str, kind: str, path: str) -> int | None:
    headers = [(b"content-type", kind.encode())] if kind else []
    return most_bytes({"type": "http", "method": method, "path": path, "headers": headers})


def asked(template: str, name: str) -> str:
    for part, value in ASKED.items():
        template = template.replace(part, value)
    return "/".join(
        name + part.partition("}")[2] if part.startswith("{") else part
        for part in template.split("/")
    )


def routes(server: LabsServer) -> Iterator[tuple[str, str]]:
    for route in iter_route_contexts(server.app.routes):
        # The app of repositories looks at the method itself.
        for method in route.methods or {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            yield method, route.path or ""


@pytest.mark.parametrize("name", ["ada", "contents", "uploads", "notebook", "events", "labs.git"])
def test_only_what_is_written_to_disk_has_no_limit(server: LabsServer, name: str) -> None:
    """Whatever owners, datasets and people are called."""
    free, large, all_of_them = set(), set(), list(routes(server))
    assert len(all_of_them) > 150
    for method, template in all_of_them:
        for kind in KINDS:
            most = limit(method, kind, asked(template, name))
            if most is None:
                free.add((method, kind, template))
            elif most > MOST_BYTES:
                large.add((method, template))
    anyhow = {(method, path) for method, kind, path in WRITTEN_TO_DISK if not kind}
    assert {(m, "", p) if (m, p) in anyhow else (m, k, p) for m, k, p in free} == WRITTEN_TO_DISK
    assert large == SECONDLY_LARGE


@pytest.mark.parametrize(
    ("method", "kind", "path"),
    [
        ("PUT", "application/json", "v1/datasets/a/contents/members/person/bob"),
        ("PUT", "application/json", "v1/datasets/contents/b/members/person/bob"),
        ("POST", MULTIPART, "v1/datasets"),
        ("POST", MULTIPART, "v1/runner/1/exchange"),
        ("POST", GIT, "v1/datasets/a/b/uploads"),
    ],
)
def test_json_that_is_far_too_large_is_not_read_whole(
    server: LabsServer, method: str, kind: str, path: str
) -> None:
    url = f"http://127.0.0.1:{server.settings.site.port}{API}/{path}"
    answer = httpx.request(method, url, content=b" " * (9 << 20), headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
