"""Configure JupyterHub for a site: the one module that sets JupyterHub's own options."""

import asyncio
from pathlib import Path
from typing import Any

import machinelabs_hub.spawn
import machinelabs_hub.theme
from machinelabs_hub import scopes
from machinelabs_hub.auth.authenticator import configure_auth
from machinelabs_hub.gpu.desk import desk_for
from machinelabs_hub.settings import Settings
from machinelabs_hub.settings import load as load_settings
from machinelabs_hub.sites import LABS_PREFIX, Addresses, Files, hub_database_url
from machinelabs_hub.spawn.comeback import come_back
from machinelabs_hub.spawn.containers import remove_home
from machinelabs_hub.spawn.metering import keep_hours
from machinelabs_hub.spawn.observe import DockerEyes, wanted_by
from machinelabs_hub.spawn.refusal import refuse_early
from machinelabs_hub.spawn.runs import named_limit, token_scopes
from machinelabs_hub.spawn.site import SpawnSite
from machinelabs_hub.spawn.unopened import give_back_unopened
from machinelabs_hub.spawn.watching import watch_gpus
from machinelabs_hub.tickets import RUN_PREFIX


def configure(c: Any, settings: Settings | None = None) -> None:
    """Set everything that JupyterHub needs for the site.

    Args:
        c: JupyterHub's configuration object (`get_config()`).
        settings: the site's settings; None reads the file that `MACHINELABS_SETTINGS` names.
    """
    settings = settings or load_settings()
    configure_hub(c, settings)
    configure_spawner(c, settings)
    configure_auth(c, settings)
    configure_background(c, settings)
    # Sign-in decides that a home goes; only the spawner's side may touch the engine.
    c.SiteAuthenticator.remove_home = lambda name: asyncio.to_thread(remove_home, settings, name)


def configure_hub(c: Any, settings: Settings) -> None:
    """Set all but sign-in and spawner: addresses, proxy, services, roles, servers and pages."""
    _listen(c, settings)
    _route(c, settings)
    _serve(c, settings)
    _grant(c)
    _keep_servers(c, settings)
    _show(c, settings)


def configure_spawner(c: Any, settings: Settings) -> None:
    """Let servers be containers, and a start be refused before JupyterHub has stored it."""
    c.JupyterHub.spawner_class = "machinelabs_hub.spawn.docker.MachineLabsDockerSpawner"
    c.MachineLabsDockerSpawner.site = SpawnSite.of(settings)
    refuse_early()


def configure_background(c: Any, settings: Settings) -> None:
    """Name what works in the Hub's process beside its web server: functions of the Hub."""

    async def keep_claims(hub: Any) -> None:
        await desk_for(settings).run(DockerEyes(settings, wanted_by(hub)))

    async def meter_and_enforce(hub: Any) -> None:
        await keep_hours(hub, SpawnSite.of(settings))

    async def ask_again(hub: Any) -> None:
        await come_back(hub, desk_for(settings), settings)

    async def give_back(hub: Any) -> None:
        await give_back_unopened(hub, desk_for(settings), settings)

    async def watch(hub: Any) -> None:
        await watch_gpus(hub, desk_for(settings), settings)

    c.SiteHub.background = {
        "claims": keep_claims,
        "hours": meter_and_enforce,
        "line": ask_again,
        "unopened": give_back,
        "watch": watch,
    }


def _listen(c: Any, settings: Settings) -> None:
    addresses, files = Addresses(settings), Files(settings.data)
    c.JupyterHub.bind_url = f"http://{settings.site.bind}:{settings.site.port}/"
    c.JupyterHub.hub_bind_url = addresses.hub_local
    c.JupyterHub.public_url = f"{addresses.hub}/"
    if not settings.site.single_origin:
        c.JupyterHub.subdomain_host = addresses.hub
    if settings.site.https:
        # Only where hosts are not shared: such a cookie reaches every path of its host.
        c.JupyterHub.cookie_host_prefix_enabled = not settings.site.single_origin
        c.JupyterHub.tornado_settings.update({"xsrf_cookie_kwargs": {"secure": True}})
    # For the hub's log; what counts is asked of `SiteAuthenticator.visitor`.
    c.JupyterHub.trusted_downstream_ips = list(settings.site.trusted_proxies)
    c.JupyterHub.db_url = hub_database_url(settings)
    c.JupyterHub.upgrade_db = True
    # `up` draws them, nobody thinks them up: stretching them costs each call of a service 2 ms.
    c.JupyterHub.trust_user_provided_tokens = True
    c.JupyterHub.cookie_secret_file = str(files.secrets / "cookie_secret")
    c.CryptKeeper.keys = [files.secret("crypt_key")]
    c.JupyterHub.log_level = settings.logs.level
    # Servers outlive the hub: it adopts them when it is back.
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.cleanup_proxy = False
    c.JupyterHub.init_spawners_timeout = 1


def _route(c: Any, settings: Settings) -> None:
    addresses = Addresses(settings)
    c.JupyterHub.proxy_class = "machinelabs_hub.spawn.proxy.WorkOnlyProxy"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = addresses.proxy_api
    c.ConfigurableHTTPProxy.auth_token = Files(settings.data).secret("proxy_token")
    # How soon a proxy that was started anew gets its routes back.
    c.JupyterHub.last_activity_interval = 30
    if not settings.site.single_origin:
        # The labs service redirects whatever reaches it by another host than its own.
        c.Proxy.extra_routes = {
            f"{settings.site.host}{LABS_PREFIX}/": addresses.labs_local,
            "127.0.0.1/": addresses.labs_local,
            "localhost/": addresses.labs_local,
        }


def _serve(c: Any, settings: Settings) -> None:
    addresses, files = Addresses(settings), Files(settings.data)
    c.JupyterHub.services = [
        {
            "name": scopes.LABS_SERVICE,
            "url": addresses.labs_local,
            "api_token": files.secret("labs_api_token"),
            "oauth_client_id": f"service-{scopes.LABS_SERVICE}",
            "oauth_redirect_uri": f"{addresses.labs}/oauth-callback",
            "oauth_no_confirm": True,
            "oauth_client_allowed_scopes": sorted({*scopes.LABS_OAUTH, *scopes.PROGRAM_GRANT}),
            "display": False,
            # A labs service that is late is routed all the same; the hub does not wait for it.
            "timeout": 1,
        },
        {
            "name": scopes.CULLER_SERVICE,
            "api_token": files.secret("culler_api_token"),
            "display": False,
        },
        {
            "name": scopes.OPERATOR_SERVICE,
            "api_token": files.secret("operator_api_token"),
            "display": False,
        },
    ]


def _grant(c: Any) -> None:
    c.JupyterHub.custom_scopes = scopes.CUSTOM_SCOPES
    c.JupyterHub.extra_user_scopes = set(scopes.USER_EXTRA)
    c.JupyterHub.load_roles = [
        {
            "name": "labs-service",
            "description": "Look people up and start servers for them",
            "scopes": scopes.LABS_SERVICE_ROLE,
            "services": [scopes.LABS_SERVICE],
        },
        {
            "name": "idle-culler",
            "description": "Stop idle servers",
            "scopes": scopes.CULLER_ROLE,
            "services": [scopes.CULLER_SERVICE],
        },
        {
            "name": "operator",
            "description": "The operator's commands on the site's own machine",
            "scopes": scopes.OPERATOR_ROLE,
            "services": [scopes.OPERATOR_SERVICE],
        },
    ]


def _keep_servers(c: Any, settings: Settings) -> None:
    c.JupyterHub.allow_named_servers = True
    c.JupyterHub.named_server_limit_per_user = named_limit(settings)
    # Waiting starts hold no slot of the hub's: the spawner has a queue of its own.
    c.JupyterHub.concurrent_spawn_limit = 0
    # A start request answers at once: what cannot start was refused before.
    c.JupyterHub.tornado_settings.update({"slow_spawn_timeout": 0})
    c.Spawner.server_token_scopes = token_scopes
    c.Spawner.hub_connect_url = Addresses(settings).door
    # The spawner ends a late start itself, with a sentence.
    c.Spawner.start_timeout = settings.engine.start_timeout + 10
    c.Spawner.poll_interval = 15


def _show(c: Any, settings: Settings) -> None:
    theme = Path(machinelabs_hub.theme.__file__).parent
    spawn = Path(machinelabs_hub.spawn.__file__).parent
    addresses = Addresses(settings)
    c.JupyterHub.default_url = "/hub/home"
    c.JupyterHub.template_paths = [
        str(theme / "templates"),
        str(spawn / "templates"),
        str(theme),
    ]
    # Templates do not change while the hub runs: nobody need look at the disk whether they did.
    c.JupyterHub.jinja_environment_options = {"auto_reload": False}
    c.JupyterHub.template_vars = {
        "site_title": settings.site.title,
        "site_url": addresses.hub,
        "labs_url": addresses.labs,
        "docs_url": settings.site.docs_url,
        "run_prefix": RUN_PREFIX,
    }
