"""Uploads that are given up leave nothing behind: on both databases."""

from pathlib import Path

import pytest
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, BOB
from tests.support.datasets import sha256, stored

from machinelabs_hub.labs.models.dataset import DatasetFile, Upload
from machinelabs_hub.labs.services.dataset_uploads import NoUpload
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.partials import PartGone

CONTENT = b"what was sent in vain"
FILE = DatasetFile("a", len(CONTENT), sha256(CONTENT))


@pytest.fixture
def upload(tools: Tools, viewed_by: As) -> Upload:
    stored(tools, ADA, "digits")
    return viewed_by(ADA).dataset_uploads.begin("ada", "digits", "", [FILE])


def left(tools: Tools) -> list[Path]:
    return [path for path in (tools.settings.data / "blobs").rglob("*") if path.is_file()]


def test_what_came_of_it_is_gone_at_once(tools: Tools, viewed_by: As, upload: Upload) -> None:
    uploads = viewed_by(ADA).dataset_uploads
    with uploads.sending(upload, FILE.sha256, 0) as sending:
        sending.write(CONTENT)
        assert sending.end()
    uploads.give_up(upload)
    assert left(tools) == []


def test_what_something_else_has_stays(tools: Tools, viewed_by: As, upload: Upload) -> None:
    uploads = viewed_by(ADA).dataset_uploads
    with uploads.sending(upload, FILE.sha256, 0) as sending:
        sending.write(CONTENT)
        assert sending.end()
    stored(tools, BOB, "digits", {"b": CONTENT})
    uploads.give_up(upload)
    assert tools.blobs.has(FILE.sha256, FILE.size)


def test_who_still_sends_hears_that_it_is_gone(tools: Tools, viewed_by: As, upload: Upload) -> None:
    uploads = viewed_by(ADA).dataset_uploads
    with uploads.sending(upload, FILE.sha256, 0) as sending:
        sending.write(CONTENT[:5])
        uploads.give_up(upload)
        with pytest.raises(PartGone):
            sending.write(CONTENT[5:])
    assert left(tools) == []
    assert list(tools.partials.uploads()) == []


def test_what_came_whole_at_that_moment_is_gone_too(
    tools: Tools, viewed_by: As, upload: Upload
) -> None:
    uploads = viewed_by(ADA).dataset_uploads
    with uploads.sending(upload, FILE.sha256, 0) as sending:
        sending.write(CONTENT)
        # Its row goes first; what is here of it, a moment later.
        tools.dataset_uploads.drop(upload)
        with pytest.raises(PartGone):
            sending.end()
    assert left(tools) == []


def test_what_is_dropped_before_its_end_is_not_kept(
    tools: Tools, viewed_by: As, upload: Upload
) -> None:
    uploads = viewed_by(ADA).dataset_uploads
    with uploads.sending(upload, FILE.sha256, 0) as sending:
        sending.write(CONTENT)
        uploads.give_up(upload)
        assert not sending.end()
    with pytest.raises(NoUpload):
        uploads.received(upload, FILE.sha256)
    assert left(tools) == []
