"""The start that leaves out what a server never uses: see machinelabs_start."""

import pytest
from tests.images.conftest import Box

pytestmark = [pytest.mark.engine, pytest.mark.images]

SERVER = "/opt/ml/bin/python"


def test_a_start_does_not_import_what_a_server_never_uses(base: Box) -> None:
    code = """
import sys, machinelabs_start as start
with start.standing_in(start.STAND_INS):
    for name in start.IMPORTED: __import__(name)
heavy = {"sqlalchemy", "alembic", "aiohttp", "requests", "jupyterhub.orm", "jupyterhub.handlers.base",
         "rfc3987_syntax", "IPython", "jupyter_lsp", "httpx", "psutil", "dateutil.parser", "websocket"}
print(sorted(heavy & set(sys.modules)))
"""
    assert base.run(SERVER, "-c", code) == "[]"


def test_a_stand_in_becomes_the_real_module_when_something_is_asked_of_it(base: Box) -> None:
    code = """
import machinelabs_start as start
with start.standing_in(start.STAND_INS):
    import jupyterhub.scopes, jupyterhub.utils, jupyterlab_server.listings_handler as listings
print(jupyterhub.scopes.orm.User.__tablename__, listings.requests.get.__name__)
print(jupyterhub.utils.aiohttp.ClientSession.__name__)
from jupyterhub.singleuser.mixins import HubAuthenticatedHandler
from jupyterhub.handlers.pages import HealthCheckHandler
from sqlalchemy.exc import SQLAlchemyError
print(HubAuthenticatedHandler.__module__, HealthCheckHandler.__name__, SQLAlchemyError.__mro__[1])
"""
    said = base.run(SERVER, "-W", "error::ImportWarning", "-c", code).splitlines()
    assert said[:2] == ["users get", "ClientSession"]
    assert said[2].startswith("jupyterhub.singleuser.mixins HealthCheckHandler")


def test_every_stand_in_is_still_imported_by_the_stock_start(base: Box) -> None:
    code = """
import sys, machinelabs_start as start, jupyterhub.singleuser, jupyterlab_server
import jupyterlab.labapp, jupyterlab_machinelabs.app
print(sorted(set(start.STAND_INS) - set(sys.modules)))
"""
    assert base.run(SERVER, "-c", code) == "[]", "a stand-in that nothing imports can go"


def test_a_server_without_its_hub_says_so_and_ends(base: Box) -> None:
    environment = {
        "JUPYTERHUB_API_TOKEN": "x",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:9/hub/api",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/a/",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:8899/user/a/",
        "JUPYTERHUB_USER": "a",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-a",
    }
    given = [f"{key}={value}" for key, value in environment.items()]
    # JupyterHub waits 46 seconds between its five attempts; nothing else here is shortened.
    code = (
        "import asyncio; wait = asyncio.sleep; asyncio.sleep = lambda s, *a: wait(min(s, 0.1), *a)"
    )
    code += "; from machinelabs_start import main; main()"
    done = base.attempt("env", *given, "timeout", "100", SERVER, "-c", code)
    assert "Failed to connect to my Hub" in done.stderr
    assert done.returncode == 1, done.stderr[-2000:]
