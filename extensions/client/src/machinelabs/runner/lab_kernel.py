"""The one kernel of a run, as JupyterLab over it sees it: it neither starts nor ends it."""

# Jupyter gives most of this no types, and its bases differ from what they are derived from.
# mypy: disable-error-code="misc, override, attr-defined, no-untyped-call"

import asyncio
import json
from concurrent.futures import Future
from typing import Any, Final

import tornado.web
from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager
from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

KERNEL: Final = "00000000-0000-4000-8000-000000000001"
"""The id of the only kernel."""

ONE_KERNEL: Final = "A run has one kernel. Stop the run on its page, or start a server of your own."


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
