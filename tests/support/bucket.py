"""A server that speaks S3, behind a real port: moto's."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moto.server import ThreadedMotoServer

from machinelabs_hub.data_settings import Blobs
from machinelabs_hub.labs.storage.bucket import KEY, KEY_ID, Bucket
from machinelabs_hub.sites import Files


@contextmanager
def s3_server() -> Iterator[str]:
    """Run the server for the block; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def settings_of(endpoint: str, data: Path, bucket: str = "contents") -> Blobs:
    """Return the settings of a bucket that is there, with its key among a site's secrets."""
    files = Files(data)
    files.secrets.mkdir(parents=True, exist_ok=True)
    for name in (KEY_ID, KEY):
        (files.secrets / name).write_text("testing", encoding="utf-8")
    settings = Blobs(url=f"s3://{bucket}/ours", endpoint=endpoint, region="eu-central-1")
    fs = Bucket(settings=settings, files=files)._fs
    if not fs.exists(bucket):
        fs.mkdir(bucket)
    return settings
