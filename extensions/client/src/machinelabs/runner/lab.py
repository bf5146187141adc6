"""JupyterLab over the one kernel of a run, in the runner's own process.

It is made here and not begun as a program of its own: what the run's code could read, end or take
the place of must not be what its person's browser talks to. For the same reason nothing below the
home counts as its configuration.
"""

# Jupyter gives most of this no types, and its bases differ from what they are derived from.
# mypy: disable-error-code="misc, override, attr-defined, no-untyped-call"

import hashlib
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import nbformat
import tornado.web
from jupyter_server._tz import utcnow
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.contents.checkpoints import AsyncCheckpoints
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado.httpserver import HTTPServer
from traitlets.config import Config

from machinelabs.runner.code import Code
from machinelabs.runner.door import Keys
from machinelabs.runner.lab_gate import Enter, Gate, Shut
from machinelabs.runner.lab_kernel import KERNEL, Guest, OneKernel, joined
from machinelabs.runner.lab_lacks import NOWHERE, lacks

READ_ONLY: Final = "A run keeps its notebook itself. Copy what you want to keep."
SCRIPTED: Final = ("@jupyterlab/javascript-extension", "@jupyterlab/vega5-extension")
"""What makes programs of outputs; JupyterLab itself has to be allowed to make programs of text."""

NOT_SERVED: Final = frozenset({"nbconvert", "shutdown", "view"})
"""They make pages of outputs, import what the address names, and end the runner."""


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


class RunServer(ServerApp):
    """A server that heeds no file of settings, and no signal: the runner has its own."""

    default_services: Any = tuple(
        one for one in ServerApp.default_services if one not in NOT_SERVED
    )

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
        with ExitStack() as undone:
            undone.callback(self._folder.cleanup)
            self._http = self._made(code, manager, keys, base)
            undone.pop_all()

    def _made(self, code: Code, manager: Any, keys: Keys, base: str) -> HTTPServer:
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
        lacks(server.web_app, base)
        self._name = code.name
        return HTTPServer(server.web_app, xheaders=True)

    async def listen(self, hand_over: Callable[[], list[socket.socket]]) -> None:
        """Answer what comes to the sockets that are handed over, which listen already."""
        # The notebook is at the kernel already: nobody is asked which one it is to have.
        await self._server.session_manager.create_session(
            path=self._name, name=self._name, type="notebook", kernel_id=KERNEL
        )
        self._http.add_sockets(hand_over())

    async def close(self) -> None:
        """Let nobody in any more."""
        self._http.stop()
        await Guest.close_all()
        await self._http.close_all_connections()
        self._server.kernel_manager.let_go()
        # By the thread that opened it: Python may clear away by another, which SQLite refuses.
        self._server.session_manager.close()
        self._server.session_manager.connection.close()
        RunServer.clear_instance()
        self._folder.cleanup()


def _confined(handler: JupyterHandler, page: dict[str, Any]) -> dict[str, Any]:
    """Let the page of JupyterLab execute its own scripts alone, and speak with this server alone.

    What a kernel puts out when it is asked would else act as the visitor: the page has the origin
    of a server of theirs, with their files. A hook of JupyterLab's: it hears of each page.
    """
    base = handler.base_url
    here = f"{handler.request.host}{base}"
    policy = (
        f"script-src {here}static/ {here}lab/extensions/ 'unsafe-eval'",
        f"connect-src {here} ws://{here} wss://{here}",
        "worker-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    handler.set_header("Content-Security-Policy", "; ".join(policy))
    off = [*page.get("disabledExtensions", ()), *SCRIPTED]
    return page | {"disabledExtensions": off}


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
        # An image may have no JupyterLab: then there is no door, and who asks is told.
        reraise_server_extension_failures=True,
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
        tornado_settings={"page_config_hook": _confined},
        log_level="ERROR",
    )
    # What a kernel prints while nobody looks would fill our memory.
    found.MappingKernelManager.buffer_offline_messages = False
    found.LabApp.update(
        user_settings_dir=NOWHERE,
        workspaces_dir=NOWHERE,
        news_url=None,
        check_for_updates_class="jupyterlab.NeverCheckForUpdate",
        extension_manager="readonly",
    )
    return found
