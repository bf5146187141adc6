"""Stock JupyterHub and DockerSpawner, as their manuals set them up, with our sites' limits."""

import json
import os

given = json.loads(os.environ["BENCH_STOCK"])
c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.JupyterHub.bind_url = f"http://127.0.0.1:{given['port']}"
c.JupyterHub.hub_bind_url = f"http://{given['gateway']}:{given['port'] + 2}"
c.JupyterHub.db_url = f"sqlite:///{given['folder']}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{given['folder']}/cookie_secret"
c.ConfigurableHTTPProxy.command = given["proxy"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{given['port'] + 1}"
c.ConfigurableHTTPProxy.pid_file = f"{given['folder']}/proxy.pid"

c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.services = [{"name": "bench", "api_token": given["token"]}]
c.JupyterHub.load_roles = [
    {
        "name": "bench",
        "scopes": ["admin:users", "admin:servers", "tokens", "read:hub"],
        "services": ["bench"],
    }
]

c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.DockerSpawner.prefix = given["prefix"]
c.DockerSpawner.image = given["images"]["same"]
c.DockerSpawner.allowed_images = given["images"]
if given["command"]:
    c.DockerSpawner.cmd = given["command"]
c.DockerSpawner.network_name = given["network"]
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True
c.DockerSpawner.notebook_dir = "/home/jovyan"
c.DockerSpawner.volumes = {given["prefix"] + "-home-{username}": "/home/jovyan"}
c.DockerSpawner.mem_limit = given["memory"]
c.DockerSpawner.cpu_limit = given["cpu"]
c.DockerSpawner.extra_host_config = given["host_config"]
# Patience, so that a busy machine makes a slow figure and not a failed one.
c.Spawner.http_timeout = c.Spawner.start_timeout = 300
