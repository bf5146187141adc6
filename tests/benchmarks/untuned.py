"""An image with the same packages as ours, started as every site starts it today."""

import tempfile
from pathlib import Path

from machinelabs_hub.images import wheels
from machinelabs_hub.images.build import WORK
from machinelabs_hub.images.engine import Engine, pack
from machinelabs_hub.settings import Settings

HERE = Path(__file__).parent
PINS = HERE / "untuned.txt"

DOCKERFILE = """
ARG STACK
FROM ${STACK}
USER root
COPY wheels /wheels
RUN rm /opt/ml/bin/jupyterhub-singleuser /opt/ml/etc/jupyter/jupyter_server_config.py \
       /opt/ml/etc/jupyter/labconfig/page_config.json \
       /opt/ml/lib/python3.11/site-packages/machinelabs_start.py \
 && pip="python3 -m pip --python /opt/ml/bin/python install --quiet --no-index --no-deps" \
 && pip="$pip --no-cache-dir --root-user-action=ignore --find-links /wheels" \
 && $pip --require-hashes -r /wheels/untuned.txt \
 && $pip --force-reinstall jupyterhub \
 && rm -rf /wheels
USER jovyan
"""


def build(settings: Settings, tuned: str) -> str:
    """Return the tag of `tuned` with what was left out and without our way to start."""
    tag = f"machinelabs/bench-untuned:{tuned.rsplit(':', 1)[1]}"
    with Engine(socket=settings.engine.socket) as engine:
        if engine.find(tag):
            return tag
        house = wheels.collect([PINS], image="bench-untuned", store=WORK / "wheelhouse")
        with (
            tempfile.TemporaryDirectory(dir=WORK) as folder,
            tempfile.TemporaryFile(dir=WORK) as packed,
            (WORK / "bench-untuned.log").open("w", encoding="utf-8") as log,
        ):
            (Path(folder) / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
            pack({"": Path(folder), "wheels": [*sorted(house.glob("*.whl")), PINS]}, packed)
            packed.seek(0)
            engine.build(
                image="bench-untuned",
                tag=tag,
                context=packed,
                arguments={"STACK": tuned},
                network=False,
                log=log,
            )
    return tag
