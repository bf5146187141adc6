"""What the pages of a run's outputs show, and what HTML that its code made can do: nothing here."""

import io
import wave
from collections.abc import Iterator

import httpx
import pytest
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, TOKEN, RunDesk, ordered

from machinelabs_hub.labs.models.lab import LabChange, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.labs import LabService

ADA = Person("ada", "Ada")
HTML = b"<h1>Report</h1><script>document.title = 'run'</script>"
FRAME = {"Sec-Fetch-Dest": "iframe"}


def a_sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 800)
    return file.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("previews")) as made:
        made.seen_as(ADA)
        yield made


@pytest.fixture(scope="module")
def desk(server: LabsServer) -> RunDesk:
    desk = ordered(server, {"main.py": b"print(1)\n"})
    with httpx.Client(base_url=desk.url, timeout=30) as http:
        shown = {"code": CODE, "token": TOKEN}
        http.post("/exchange", json=shown).raise_for_status()
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        for path, content in {
            "plots/report.html": HTML,
            "voice.wav": a_sound(),
            "metrics.json": b'{"loss":0.50}',
            "README.md": b"---\nlicense: mit\n---\n# The model\n",
        }.items():
            http.put(f"/outputs/{path}", content=content).raise_for_status()
        http.post("/end", json={"state": "finished"}).raise_for_status()
    return desk


@pytest.fixture
def visitor(server: LabsServer, desk: RunDesk) -> Iterator[httpx.Client]:
    base = f"{server.url}/{desk.lab.path}/runs/{desk.run.number}"
    with httpx.Client(base_url=base, timeout=30) as http:
        yield http


def test_html_is_shown_in_a_frame_of_no_origin_that_reaches_nothing(visitor: httpx.Client) -> None:
    page = visitor.get("/outputs/plots/report.html").text
    assert 'sandbox="allow-scripts"' in page
    assert "/html/plots/report.html" in page
    assert HTML.decode() not in page
    framed = visitor.get("/html/plots/report.html", headers=FRAME)
    assert framed.content == HTML
    policy = framed.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy


def test_html_is_given_to_a_frame_alone_and_nothing_else_ever(visitor: httpx.Client) -> None:
    for headers in ({}, {"Sec-Fetch-Dest": "document"}, {"Sec-Fetch-Dest": "script"}):
        answer = visitor.get("/html/plots/report.html", headers=headers)
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("/outputs/plots/report.html")
    assert visitor.get("/html/metrics.json", headers=FRAME).status_code == 404
    assert visitor.get("/html/none.html", headers=FRAME).status_code == 404


def test_html_of_a_private_lab_is_its_readers(
    server: LabsServer, desk: RunDesk, visitor: httpx.Client
) -> None:
    labs = LabService(tools=server.tools, viewer=ADA)
    labs.change("ada", desk.lab.name, LabChange(visibility=Visibility.PRIVATE))
    try:
        assert visitor.get("/html/plots/report.html", headers=FRAME).status_code == 404
        own = visitor.get("/html/plots/report.html", headers=FRAME | {"X-As": "ada"})
        assert own.content == HTML
    finally:
        labs.change("ada", desk.lab.name, LabChange(visibility=Visibility.PUBLIC))


def test_a_sound_has_a_player_whose_bytes_come_in_parts(
    server: LabsServer, desk: RunDesk, visitor: httpx.Client
) -> None:
    page = visitor.get("/outputs/voice.wav").text
    raw = f"/services/labs/api/v1/labs/{desk.lab.path}/runs/{desk.run.number}/outputs/voice.wav"
    assert f'<audio class="ml-player" controls preload="metadata" src="{raw}"' in page
    part = httpx.get(f"{server.url.removesuffix('/services/labs')}{raw}",
                     headers={"Range": "bytes=0-3"})  # fmt: skip
    assert (part.status_code, part.content) == (206, b"RIFF")
    assert part.headers["content-type"].startswith("audio/")


def test_json_and_model_cards_read_well(visitor: httpx.Client) -> None:
    assert "Facts about this text" in visitor.get("/outputs/README.md").text
    assert "0.50" in visitor.get("/outputs/metrics.json").text
