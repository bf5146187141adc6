"""An image with the same packages as ours, started as every site starts it today."""

from pathlib import Path

from tests.benchmarks.derived import derive

from machinelabs_hub.settings import Settings

PINS = Path(__file__).with_suffix(".txt")

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
    return derive(settings, tuned, DOCKERFILE, PINS)
