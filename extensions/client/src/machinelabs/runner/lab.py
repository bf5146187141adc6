"""JupyterLab over the one kernel of a run, in the runner's own process.

It is made here and not begun as a program of its own: what the run's code could read, end or take
the place of must not be what its person's browser talks to. For the same reason nothing below the
home counts as its configuration.
"""

# Jupyter gives most of this no types, and its bases differ from what they are derived from.
# mypy: disable-error-code="misc, override, attr-defined, no-untyped-call"

import asyncio
import hashlib
import json
import os
import secrets
import sys
import tempfile
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import nbformat
import tornado.web
from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager
from jupyter_server._tz import utcnow
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.contents.checkpoints import AsyncCheckpoints
from jupyter_server.services.contents.manager import AsyncContentsManager
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httpserver import HTTPServer
from traitlets.config import Config

from machinelabs.runner.code import Code
from machinelabs.runner.door import Keys

KERNEL: Final = "00000000-0000-4000-8000-000000000001"
"""The id of the only kernel."""

COOKIE: Final = "machinelabs-run"
COOKIE_DAYS: Final = 1
READ_ONLY: Final = "A run keeps its notebook itself. Copy what you want to keep."
ONE_KERNEL: Final = "A run has one kernel. Stop the run on its page, or start a server of your own."
CLOSED: Final = (
    "<!doctype html><title>Not signed in</title><p>This run is opened from its own page on the "
    "site, by the person who started it. Go there, and choose <b>Look into it</b> again.</p>"
)


class JoinedKernel(AsyncIOLoopKernelManager):
    """The run's kernel, which another manager started and will end."""

    source: Any = None

    @property
    def ready(self) -> asyncio.Future[None]:
        """It is."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def is_alive(self) -> bool:
        """Tell whether it lives, as who started it knows."""
        return bool(self.source.has_kernel and await self.source.is_alive())

    async def interrupt_kernel(self) -> None:
        """Interrupt what it executes."""
        await self.source.interrupt_kernel()


def joined(source: Any) -> JoinedKernel:
    """Return a second manager of a kernel."""
    found = JoinedKernel(kernel_name=source.kernel_name)
    found.source = source
    found.load_connection_info(source.get_connection_info())
    return found


class OneKernel(AsyncMappingKernelManager):
    """Knows the run's kernel, and neither starts nor ends any."""

    def hold(self, kernel: JoinedKernel) -> None:
        """Know this kernel."""
        kernel.parent = self
        kernel.kernel_id = KERNEL
        kernel.execution_state = "busy"
        kernel.reason = ""
        kernel.last_activity = utcnow()
        # Its answer may wait for the cell that runs, for hours.
        kernel._kernel_info_future = Future()  # noqa: SLF001 - read by each connection
        kernel._kernel_info_future.set_result({})  # noqa: SLF001
        self._kernels[KERNEL] = kernel
        self._kernel_connections[KERNEL] = 0
        self._kernel_ports[KERNEL] = kernel.ports
        self.start_watching_activity(KERNEL)

    def let_go(self) -> None:
        """Know of none any more."""
        self.stop_watching_activity(KERNEL)
        self._kernels[KERNEL].context.destroy(linger=0)

    async def start_kernel(self, **_: Any) -> str:
        """Give the one that is there."""
        return KERNEL

    async def shutdown_kernel(self, *_: Any, **__: Any) -> None:
        """Refuse."""
        raise tornado.web.HTTPError(403, ONE_KERNEL)

    async def restart_kernel(self, *_: Any, **__: Any) -> None:
        """Refuse."""
        raise tornado.web.HTTPError(403, ONE_KERNEL)


class Guest(ZMQChannelsWebsocketConnection):
    """Somebody beside the run: what they do wrong must not skip a cell of the run."""

    kernel_ws_protocol = ""

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Pass a message on to the kernel."""
        if isinstance(incoming_msg, str):
            said = json.loads(incoming_msg)
            if said.get("header", {}).get("msg_type") == "execute_request":
                # A kernel drops what waits after an error: that may be the run's next cell.
                said["content"]["stop_on_error"] = False
                incoming_msg = json.dumps(said)
        super().handle_incoming_message(incoming_msg)


class NoCheckpoints(AsyncCheckpoints):
    """There are none."""

    async def list_checkpoints(self, path: str) -> list[Any]:  # noqa: ARG002
        """Return none."""
        return []


class ExecutedNotebook(AsyncContentsManager):
    """Shows one file, the notebook as far as it was executed; keeps nothing."""

    code: Code
    file: str

    checkpoints_class = NoCheckpoints

    async def dir_exists(self, path: str) -> bool:
        """Tell whether it is the folder."""
        return not path.strip("/")

    async def file_exists(self, path: str = "") -> bool:
        """Tell whether it is the file."""
        return path.strip("/") == self.file

    async def is_hidden(self, path: str) -> bool:  # noqa: ARG002
        """Tell whether it is not to be seen."""
        return False

    async def get(self, path: str, content: bool = True, **_: Any) -> dict[str, Any]:  # noqa: FBT001, FBT002
        """Return the folder, or the notebook."""
        path = path.strip("/")
        if not path:
            inside = [self._model(content=False)] if content else None
            return self._common("", "directory", inside, "json" if content else None)
        if path != self.file:
            raise tornado.web.HTTPError(404, "Only the run's notebook is shown here.")
        return self._model(content=content)

    async def save(self, *_: Any, **__: Any) -> None:
        """Refuse."""
        raise tornado.web.HTTPError(403, READ_ONLY)

    delete_file = rename_file = save

    def _model(self, *, content: bool) -> dict[str, Any]:
        text = self.code.executed() or b""
        shown = nbformat.reads(text.decode(), as_version=4) if content and text else None
        hashed = {"hash": hashlib.sha256(text).hexdigest(), "hash_algorithm": "sha256"}
        return self._common(self.file, "notebook", shown, "json" if content else None) | hashed

    def _common(self, path: str, kind: str, content: Any, form: str | None) -> dict[str, Any]:
        at = utcnow()
        return {
            "name": path, "path": path, "type": kind, "writable": False, "created": at,
            "last_modified": at, "mimetype": None, "content": content, "format": form, "size": None,
        }  # fmt: skip


class Gate(IdentityProvider):
    """Knows whoever brought a key by a cookie."""

    cookie_name = COOKIE
    cookie_options = {"samesite": "Lax", "expires_days": COOKIE_DAYS}  # noqa: RUF012
    get_secure_cookie_kwargs = {"max_age_days": COOKIE_DAYS}  # noqa: RUF012
    token = "none"  # noqa: S105 - never compared with anything: see `get_token`

    def get_token(self, handler: tornado.web.RequestHandler) -> None:  # noqa: ARG002
        """Find no token: there is none."""
        return

    def get_handlers(self) -> list[Any]:
        """Return no pages for signing in with a password."""
        return []


class Enter(JupyterHandler):
    """`…/door?key=`: a key for a cookie."""

    def initialize(self, keys: Keys, gate: Gate, onward: str) -> None:
        """Take what it works with."""
        self.keys, self.gate, self.onward = keys, gate, onward

    @allow_unauthenticated
    async def get(self) -> None:
        """Let in, once."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        if not await self.keys.wait_for(self.get_query_argument("key", "")):
            self.set_status(403)
            self.finish(CLOSED)
            return
        self.gate.set_login_cookie(self, User(username="person", name="You", display_name="You"))
        self.redirect(self.onward)


class Shut(JupyterHandler):
    """Where JupyterLab sends whoever is not signed in."""

    @allow_unauthenticated
    def get(self) -> None:
        """Say where to go."""
        self.set_status(403)
        self.finish(CLOSED)


class RunServer(ServerApp):
    """A server that heeds no file of settings, and no signal: the runner has its own."""

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Read none."""

    def migrate_config(self) -> None:
        """Take none over from IPython's folder, either."""

    def init_signal(self) -> None:
        """Take none."""


class Lab:
    """JupyterLab for one run.

    Args:
        code: the notebook that is run.
        manager: of its kernel.
        keys: what lets people in.
        base: the address that the Hub's proxy sends here, with a slash at its end.
    """

    def __init__(self, code: Code, manager: Any, keys: Keys, *, base: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True)
        _heed_only_ours(self._folder.name)
        RunServer.clear_instance()
        self._server = server = RunServer.instance(
            jpserver_extensions={"jupyterlab": True}, config=_config(base, self._folder.name)
        )
        server.initialize(argv=[], find_extensions=False, new_httpserver=False)
        contents = server.contents_manager
        contents.code, contents.file = code, code.name
        server.kernel_manager.hold(joined(manager))
        onward = f"{base}lab/tree/{tornado.escape.url_escape(code.name, plus=False)}"
        given = {"keys": keys, "gate": server.identity_provider, "onward": onward}
        server.web_app.add_handlers(".*$", [(f"{base}door", Enter, given), (f"{base}login", Shut)])
        self._name = code.name
        self._http = HTTPServer(server.web_app, xheaders=True)

    async def listen(self, port: int) -> None:
        """Listen at a port of all the container's addresses."""
        # The notebook is at the kernel already: nobody is asked which one it is to have.
        await self._server.session_manager.create_session(
            path=self._name, name=self._name, type="notebook", kernel_id=KERNEL
        )
        self._http.listen(port)

    async def close(self) -> None:
        """Let nobody in any more."""
        self._http.stop()
        await Guest.close_all()
        await self._http.close_all_connections()
        self._server.kernel_manager.let_go()
        RunServer.clear_instance()
        self._folder.cleanup()


def _heed_only_ours(folder: str) -> None:
    """Let Jupyter look for settings and extensions where the run's code can put none."""
    ours = Path(sys.prefix)
    os.environ["JUPYTER_CONFIG_DIR"] = str(ours / "etc" / "jupyter")
    os.environ["JUPYTER_DATA_DIR"] = str(ours / "share" / "jupyter")
    # Nothing is read from there, and nothing that is secret is written.
    os.environ["JUPYTER_RUNTIME_DIR"] = folder


def _config(base: str, folder: str) -> Config:
    found = Config()
    found.ServerApp.update(
        base_url=base,
        root_dir=folder,
        open_browser=False,
        allow_root=True,
        allow_remote_access=True,
        trust_xheaders=True,
        terminals_enabled=False,
        quit_button=False,
        cookie_secret=secrets.token_bytes(32),
        # Cookies called `_xsrf` are there already, of the person's server above this address. What
        # changes something asks for the page's own origin, and the cookie is not sent by others.
        disable_check_xsrf=True,
        identity_provider_class=Gate,
        kernel_manager_class=OneKernel,
        kernel_websocket_connection_class=Guest,
        contents_manager_class=ExecutedNotebook,
        log_level="ERROR",
    )
    # What a kernel prints while nobody looks would fill our memory.
    found.MappingKernelManager.buffer_offline_messages = False
    found.LabApp.update(
        user_settings_dir=f"{folder}/settings",
        workspaces_dir=f"{folder}/workspaces",
        news_url=None,
        check_for_updates_class="jupyterlab.NeverCheckForUpdate",
        extension_manager="readonly",
    )
    return found
