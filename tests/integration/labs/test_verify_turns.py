"""What makes a verification say nothing of today: the image, the GPUs, what was taken in."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, publish

from machinelabs_hub.db.tables.gpus import CardRow
from machinelabs_hub.db.tables.inputs import FetchedRow
from machinelabs_hub.labs.models.verification import Conditions
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.verifier import changes
from machinelabs_hub.labs.services.verify import VerifyService

AT = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://example.org/digits.csv"


def test_another_image_class_of_gpu_or_content_of_an_input_turns_it(
    tools: Tools, viewed_by: As
) -> None:
    lab = publish(viewed_by)
    _, made = VerifyService(tools=tools, viewer=ADA).order(lab)

    def since(**held: object) -> tuple[str, ...]:
        then = replace(Conditions("datascience", "", "", {}), **held)  # type: ignore[arg-type]
        flavour = "gpu-small" if then.gpu else "cpu-small"
        return changes(tools, lab, replace(made, conditions=then, flavour=flavour))

    assert since() == ()
    assert since(image="base") == ("the lab runs in datascience now",)
    assert since(gpu="H100") == ("it would run on GPU",)
    with tools.sessions() as db:
        card = {"model": "H100", "memory_mib": 81559, "changed_at": AT, "seen_at": AT}
        db.add(CardRow(uuid="GPU-a", **card))
        db.add(CardRow(uuid="GPU-b", **card | {"model": "A100", "health": "failed"}))
    assert since(gpu="H100") == ()
    assert since(gpu="A100") == ("it would run on H100",)
    assert since(inputs={URL: "a" * 64}) == ()
    with tools.sessions() as db:
        held = {"sha256": "b" * 64, "size_bytes": 1, "fetched_at": AT, "used_at": AT}
        db.add(
            FetchedRow(url_hash=sha256(URL.encode()).hexdigest(), etag="", last_modified="", **held)
        )
    assert since(inputs={URL: "b" * 64}) == ()
    assert since(inputs={URL: "a" * 64}) == ("an input has other content",)
