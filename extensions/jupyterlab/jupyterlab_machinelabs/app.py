"""Put the parts together and add them to a Jupyter server."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from jupyter_core.paths import jupyter_data_dir
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join

from jupyterlab_machinelabs import handlers, run_handlers
from jupyterlab_machinelabs.activity import Activity, count_only_changes, count_transfers
from jupyterlab_machinelabs.config import Config
from jupyterlab_machinelabs.jobs import Jobs
from jupyterlab_machinelabs.notices import Notices
from jupyterlab_machinelabs.open_page import OpenPage
from jupyterlab_machinelabs.opening import Opening
from jupyterlab_machinelabs.packages import Packages
from jupyterlab_machinelabs.publishing import Publishing
from jupyterlab_machinelabs.recent import Recent
from jupyterlab_machinelabs.recorder import Recorder
from jupyterlab_machinelabs.renames import Renames
from jupyterlab_machinelabs.running import Running
from jupyterlab_machinelabs.targets import Targets
from jupyterlab_machinelabs.updating import Updating
from jupyterlab_machinelabs.web import Tools
from machinelabs import Hub
from machinelabs.fingerprints import Fingerprints


class HubReport:
    """Tells the hub of activity at once, not only when its own report is due."""

    def __init__(self, *, config: Config, log: Any) -> None:
        self._config = config
        self._log = log

    async def __call__(self, at: datetime) -> None:
        """Report work at the time `at`; a hub that is away hears of it later."""
        if not self._config.activity_url:
            return
        stamp = at.isoformat()
        servers = {self._config.server_name: {"last_activity": stamp}}
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
                answer = await http.post(
                    self._config.activity_url,
                    headers={"Authorization": f"token {self._config.token}"},
                    json={"servers": servers, "last_activity": stamp},
                )
        except httpx.HTTPError as error:
            self._log.warning("The hub cannot be told of activity: %s", type(error).__name__)
            return
        if answer.is_error:
            self._log.warning("The hub refused a report of activity: %s", answer.status_code)


def build(server_app: Any, config: Config) -> Tools:
    """Return the tools of a Jupyter server."""
    # The door is on the containers' own network: a proxy for the internet is never on the way.
    hub = Hub(config.labs_url or "http://127.0.0.1:9", config.token or None, trust_env=False)
    prints = Fingerprints()
    targets = Targets(root=Path(server_app.root_dir).resolve())
    recent = Recent(file=Path(jupyter_data_dir()) / "machinelabs" / "recent.json")
    opening = Opening(hub=hub, targets=targets, prints=prints, recent=recent)
    jobs = Jobs(on_fault=server_app.log.error)
    threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="machinelabs")
    recorder = Recorder(server_app=server_app)
    recorder.listen()
    return Tools(
        config=config,
        hub=hub,
        jobs=jobs,
        publishing=Publishing(hub=hub, targets=targets, recent=recent),
        opening=opening,
        packages=Packages(targets=targets, python=config.python),
        recent=recent,
        running=Running(hub=hub, targets=targets, prints=prints),
        updating=Updating(hub=hub, targets=targets, prints=prints, forget=opening.forget_newest),
        activity=Activity(
            web_app=server_app.web_app,
            terminals=server_app.web_app.settings.get("terminal_manager"),
            jobs_are_busy=lambda: jobs.busy,
            tell_hub=HubReport(config=config, log=server_app.log),
            idle_minutes=config.idle_minutes,
        ),
        notices=Notices(
            hub=hub,
            server=config.server_name,
            has_gpu=config.has_gpu,
            recorder=recorder,
            events=server_app.event_logger,
            threads=threads,
            stop=server_app.stop,
            log=server_app.log,
        ),
        threads=threads,
    )


def add_to(server_app: Any, config: Config | None = None) -> Tools:
    """Register every handler with the server's web application and watch its activity."""
    config = config or Config.from_environment()
    tools = build(server_app, config)
    base = server_app.web_app.settings["base_url"]
    given = {"tools": tools}
    routes: list[tuple[str, type, dict[str, Tools]]] = [
        (url_path_join(base, "machinelabs/api", route), handler, given)
        for route, handler in (*handlers.ROUTES, *run_handlers.ROUTES)
    ]
    routes.append((url_path_join(base, "machinelabs/open"), OpenPage, given))
    server_app.web_app.add_handlers(".*$", routes)
    server_app.web_app.add_transform(count_transfers(tools.activity))
    count_only_changes(APIHandler)
    Renames(targets=tools.opening.targets, log=server_app.log).listen(server_app.event_logger)
    server_app.io_loop.add_callback(tools.activity.start)
    if config.labs_url and config.token:
        server_app.io_loop.add_callback(tools.notices.start)
    return tools
