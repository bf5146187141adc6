"""Run the labs service: `python -m machinelabs_hub.labs`, as `machinelabs-hub up` does."""

import logging
from urllib.parse import urlsplit

import uvicorn

from machinelabs_hub.labs.app import create_app
from machinelabs_hub.settings import load
from machinelabs_hub.sites import Addresses

SECONDS_TO_STOP = 3


def main() -> None:
    """Serve until told to stop."""
    settings = load()
    logging.basicConfig(
        level=settings.logs.level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # httpx tells of every request to the Hub.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    where = urlsplit(Addresses(settings).labs_local)
    uvicorn.run(
        create_app(settings),
        host=where.hostname or "127.0.0.1",
        port=where.port or 0,
        log_level=settings.logs.level.lower(),
        proxy_headers=True,
        # Who asks is the site's own proxy; the others stand in front of it.
        forwarded_allow_ips=["127.0.0.1", *settings.site.trusted_proxies],
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
        timeout_keep_alive=30,
    )


if __name__ == "__main__":
    main()
