"""Listens to every kernel of this server, and writes what no browser saved into the notebooks."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from jupyter_client.session import Session
from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
)

from jupyterlab_machinelabs.recording import Recording, merge

V1: Final = "v1.kernel.websocket.jupyter.org"
SETTLE_SECONDS: Final = 5.0
"""How long a kernel that is told to stop may take before it is shut down."""

LOOK_SECONDS: Final = 0.05

DRAIN_SECONDS: Final = 0.3
"""In which the last messages of a kernel that is idle arrive."""


class Recorder:
    """What kernels put out since a browser last saved, kernel by kernel."""

    def __init__(self, *, server_app: Any) -> None:
        self._app = server_app
        self._kernels = server_app.kernel_manager
        self._contents = server_app.contents_manager
        self._recordings: dict[str, Recording] = {}
        self._streams: dict[str, Any] = {}

    def listen(self) -> None:
        """Hear of every request to run a cell, of every save, and of the server's end."""
        settings = self._app.web_app.settings
        settings["kernel_websocket_connection_class"] = recorded(
            settings["kernel_websocket_connection_class"], self
        )
        self._contents.register_pre_save_hook(self._saved)
        shut_down = self._app.cleanup_kernels

        async def write_first() -> None:
            await self.write_all()
            await shut_down()

        # Whoever stops this server, and why: what kernels have put out is not lost with them.
        self._app.cleanup_kernels = write_first

    # What is heard.

    def watch(self, kernel_id: str) -> None:
        """Listen to a kernel from now on."""
        if kernel_id in self._streams or kernel_id not in self._kernels:
            return
        kernel = self._kernels.get_kernel(kernel_id)
        recording = self._recordings.setdefault(kernel_id, Recording())
        session = Session(config=kernel.session.config, key=kernel.session.key)

        def hear(parts: list[bytes]) -> None:
            _, fed = session.feed_identities(parts)
            recording.heard(session.deserialize(fed))

        stream = kernel.connect_iopub()
        stream.on_recv(hear)
        self._streams[kernel_id] = stream
        self._drop_gone()

    def asked(self, kernel_id: str, viewer: str, message: Mapping[str, Any]) -> None:
        """Take a browser's request to run code."""
        cell_id = (message.get("metadata") or {}).get("cellId")
        content = message.get("content") or {}
        if isinstance(cell_id, str) and cell_id and not content.get("silent"):
            self.watch(kernel_id)
            recording = self._recordings.setdefault(kernel_id, Recording())
            recording.asked(
                message["header"]["msg_id"],
                cell_id=cell_id,
                code=str(content.get("code", "")),
                viewer=viewer,
            )

    def left(self, kernel_id: str, viewer: str) -> None:
        """Note that a browser's connection ended."""
        if kernel_id in self._recordings:
            self._recordings[kernel_id].left(viewer)

    def _saved(self, *, model: Mapping[str, Any], path: str, **_: Any) -> None:
        notebook = model.get("content")
        if model.get("type") != "notebook" or not isinstance(notebook, dict):
            return
        for kernel_id in self._kernels_of(path):
            if kernel_id in self._recordings and "cells" in notebook:
                self._recordings[kernel_id].saved(notebook)

    def _kernels_of(self, path: str) -> list[str]:
        # The session manager's own look-up is asynchronous, and this hook is not.
        cursor = self._app.session_manager.cursor
        cursor.execute("SELECT kernel_id FROM session WHERE path=?", (path.strip("/"),))
        return [row[0] for row in cursor.fetchall()]

    def _drop_gone(self) -> None:
        for kernel_id in [one for one in self._streams if one not in self._kernels]:
            self._streams.pop(kernel_id).close()
            self._recordings.pop(kernel_id, None)

    # What is written.

    async def settle(self) -> None:
        """Let every kernel that computes come to its end: what it has put out arrives here."""
        self._drop_gone()
        busy = [key for key, recording in self._recordings.items() if recording.is_busy]
        for kernel_id in busy:
            if kernel_id in self._kernels:
                await ensure_async(self._kernels.interrupt_kernel(kernel_id))
        await self._wait_for(busy)
        for kernel_id in busy:
            if self._recordings[kernel_id].is_busy and kernel_id in self._kernels:
                # It does not let itself be interrupted; what it says from now on would be lost.
                self._app.log.warning("A kernel did not stop computing and is shut down")
                await ensure_async(self._kernels.get_kernel(kernel_id).signal_kernel(9))
        await asyncio.sleep(DRAIN_SECONDS)

    async def _wait_for(self, busy: list[str]) -> None:
        for _ in range(int(SETTLE_SECONDS / LOOK_SECONDS)):
            if not any(self._recordings[key].is_busy for key in busy):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def write_all(self) -> list[str]:
        """Let kernels end and write what no browser saved; return the notebooks that changed."""
        await self.settle()
        written = []
        for session in await ensure_async(self._app.session_manager.list_sessions()):
            recording = self._recordings.get(session["kernel"]["id"])
            if session["type"] != "notebook" or recording is None or not recording.runs:
                continue
            try:
                if await self._write(session["path"], recording):
                    written.append(session["path"])
            except Exception:
                # The others are written all the same.
                self._app.log.exception("The outputs for %s were not written", session["path"])
        return written

    async def _write(self, path: str, recording: Recording) -> bool:
        model = await ensure_async(self._contents.get(path, content=True, type="notebook"))
        if not merge(model["content"], recording.runs):
            return False
        await ensure_async(
            self._contents.save(
                {"type": "notebook", "format": "json", "content": model["content"]}, path
            )
        )
        return True


def recorded(connection: Any, recorder: Recorder) -> Any:
    """Return a kind of kernel connection that tells `recorder` what browsers ask kernels."""

    class Recorded(connection):  # type: ignore[misc]
        """A browser's connection to a kernel."""

        async def connect(self) -> Any:
            recorder.watch(self.kernel_id)
            return await super().connect()

        def handle_incoming_message(self, incoming_msg: Any) -> None:
            message = request_in(incoming_msg, self.subprotocol)
            if message is not None:
                recorder.asked(self.kernel_id, self.session.session, message)
            super().handle_incoming_message(incoming_msg)

        def disconnect(self) -> None:
            recorder.left(self.kernel_id, self.session.session)
            super().disconnect()

    return Recorded


def request_in(sent: str | bytes, subprotocol: str | None) -> dict[str, Any] | None:
    """Return the request to run code that a browser sent, or None if it sent something else."""
    try:
        if subprotocol == V1:
            _, parts = deserialize_msg_from_ws_v1(sent)  # type: ignore[no-untyped-call]
            header = json.loads(parts[0])
            if header["msg_type"] != "execute_request":
                return None
            return {
                "header": header,
                "metadata": json.loads(parts[2]),
                "content": json.loads(parts[3]),
            }
        read: Any = deserialize_binary_message if isinstance(sent, bytes) else json.loads
        message: dict[str, Any] = read(sent)
        return message if message["header"]["msg_type"] == "execute_request" else None
    except (ValueError, KeyError, IndexError, TypeError):
        # The server itself says what is wrong with it.
        return None
