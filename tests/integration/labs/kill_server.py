"""Run the labs service on a port and a folder of its own, to be killed.

`python -m tests.integration.labs.kill_server SETTINGS DATA PORT [DATABASE]`: the Hub is that of
SETTINGS.
"""

import sys
from pathlib import Path

import uvicorn

from machinelabs_hub.labs.app import create_app
from machinelabs_hub.settings import load


def main() -> None:
    """Serve until killed."""
    settings = load(Path(sys.argv[1]))
    limits = settings.limits.model_copy(update={"publishes_per_hour": 10**9})
    database = settings.database.model_copy(update={"url": "".join(sys.argv[4:])})
    here = {"data": Path(sys.argv[2]), "limits": limits, "database": database}
    settings = settings.model_copy(update=here)
    uvicorn.run(create_app(settings), host="127.0.0.1", port=int(sys.argv[3]), log_level="critical")


if __name__ == "__main__":
    main()
