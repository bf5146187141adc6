"""Execute a notebook cell by cell, and tell each output as it comes."""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from machinelabs.runner.code import environment
from machinelabs.runner.feed import Feed
from machinelabs.runner.parameters import inject
from machinelabs.runner.processes import put_after_us
from machinelabs.runner.streams import MOST_BYTES, Streams
from machinelabs.runner.usage import Usage
from machinelabs.runner.words import STOPPED, Ended, Reason, failed

PYTHON: Final = "python3"
START_SECONDS: Final = 120
LOOK_SECONDS: Final = 0.005
LOOKS: Final = 200
NO_HISTORY: Final = ("--HistoryManager.enabled=False",)
"""Nobody comes back to this kernel: it need not open a database of what was typed before."""

LONGEST_TITLE: Final = 80
FLUSH_OFTEN: Final = (
    "import sys\n"
    "for _stream in (sys.stdout, sys.stderr):\n"
    "    _stream.flush_interval = 0.02\n"
    "del _stream, sys"
)
"""A kernel keeps what is printed for a fifth of a second; who watches need not wait so long."""


class LiveClient(NotebookClient):
    """Executes cells as nbclient does, tells their outputs, and keeps no more than is sensible."""

    feed: Feed

    def __init__(self, notebook: NotebookNode, feed: Feed, **options: Any) -> None:
        super().__init__(notebook, **options)
        self.feed = feed
        self.streams = Streams()
        self._cells: dict[str, tuple[NotebookNode, int]] = {}
        self._size = 0
        self._tells_large = True

    async def _async_poll_output_msg(
        self, parent_msg_id: str, cell: NotebookNode, cell_index: int
    ) -> None:
        # A thread of an earlier cell prints under that cell, as in JupyterLab.
        self._cells[parent_msg_id] = (cell, cell_index)
        while True:
            message = await self.kc.iopub_channel.get_msg(timeout=None)  # type: ignore[union-attr]
            parent = message["parent_header"].get("msg_id", "")
            its_cell, its_index = self._cells.get(parent, (None, -1))
            if its_cell is None:
                continue
            try:
                self.process_message(message, its_cell, its_index)
            except CellExecutionComplete:
                if parent == parent_msg_id:
                    return

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Tell an output and put it into the notebook."""
        content = msg["content"]
        if msg["msg_type"] == "stream":
            self._clear_if_due(outs, cell_index)
            self.feed.print(content["name"], content["text"], cell_index)
            self.streams.add(outs, content["name"], content["text"])
            return None
        self._clear_if_due(outs, cell_index)
        made = super().output(outs, msg, display_id, cell_index)
        if made is not None:
            shown = {"display_id": display_id} if display_id else {}
            self.feed.put("output", cell=cell_index, output=made, **shown)
            self._bound(made)
        return made

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """Tell that a cell's outputs go, and let them go."""
        waits = bool(msg["content"].get("wait"))
        self.feed.put("clear", cell=cell_index, wait=waits)
        if not waits:
            self.streams.forget(outs)
        super().clear_output(outs, msg, cell_index)

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        if msg["msg_type"] == "update_display_data":
            content = msg["content"]
            data = {"data": content["data"], "metadata": content["metadata"]}
            output = {"output_type": "display_data", **data}
            self.feed.put("update", display_id=display_id, output=output)
        super()._update_display_id(display_id, msg)

    def _clear_if_due(self, outs: list[NotebookNode], cell_index: int) -> None:
        if self.clear_before_next_output:
            self.streams.forget(outs)
            outs[:] = []
            self.clear_display_id_mapping(cell_index)
            self.clear_before_next_output = False

    def _bound(self, made: NotebookNode) -> None:
        self._size += sum(len(str(value)) for value in made.get("data", {}).values())
        if self._size > MOST_BYTES and made.get("data"):
            made["data"] = {"text/plain": "[This notebook has more outputs than it can hold.]"}
            if self._tells_large:
                self._tells_large = False
                size = f"{MOST_BYTES >> 20} MiB"
                self.feed.put("note", text=f"Outputs beyond {size} are not in the notebook.")


class Notebook:
    """One notebook, its kernel, and how far it came."""

    def __init__(
        self,
        path: Path,
        parameters: Mapping[str, Any],
        feed: Feed,
        pids: set[int],
        usage: Usage,
        *,
        given: Mapping[str, str],
    ) -> None:
        self._path = path
        self._parameters = parameters
        self._feed = feed
        self._pids = pids
        self._usage = usage
        self._given = given
        self._notebook: NotebookNode | None = None
        self._client: LiveClient | None = None
        self._cell: int | None = None
        self._began = 0.0
        self._is_interrupted = False
        self._sockets = tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True)

    async def run(self) -> Ended:
        """Execute its cells until one raises."""
        try:
            self._notebook = notebook = _read(self._path)
        except OSError as error:
            return failed(f"{self._path.name} cannot be read: {error.strerror}.")
        except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
            return failed(f"{self._path.name} is not a notebook that can be read: {error}")
        kernel = kernel_of(notebook)
        if self._parameters and not _speaks_python(notebook):
            return failed("Parameters can be given to Python notebooks only.")
        inject(notebook, self._parameters)
        client = LiveClient(
            notebook,
            self._feed,
            timeout=None,
            iopub_timeout=24 * 3600,
            startup_timeout=START_SECONDS,
            kernel_name=kernel,
            kernel_manager_class=AsyncKernelManager,
            extra_arguments=[*NO_HISTORY] if kernel == PYTHON else [],
            record_timing=True,
        )
        self._client = client
        try:
            await self._start(client)
            return await self._execute(client, notebook)
        except NoSuchKernel:
            return failed(f"This image has no kernel called “{kernel}”.")
        except (DeadKernelError, RuntimeError) as error:
            return self._died(error)
        finally:
            self._join()
            client.set_widgets_metadata()

    @property
    def name(self) -> str:
        """The name of its file."""
        return self._path.name

    def kernel(self) -> Any:
        """Return the manager of its kernel, once that speaks and while it lives; else None."""
        client = self._client
        if client is None or client.kc is None or client.km is None:
            return None
        return client.km if client.km.has_kernel else None

    async def close(self) -> None:
        """End the kernel."""
        if self._client is not None:
            await self._close(self._client)

    async def interrupt(self) -> None:
        """Interrupt the cell that runs; none that follows is begun."""
        self._is_interrupted = True
        manager = self._client.km if self._client else None
        if manager is not None and manager.has_kernel:
            await ensure_async(manager.interrupt_kernel())

    def groups(self) -> tuple[int, ...]:
        """Return the kernel's process group."""
        pid = self._pid()
        return (pid,) if pid else ()

    def executed(self) -> bytes | None:
        """Return the notebook as far as it came; None: it could not be read."""
        if self._notebook is None:
            return None
        self._join()
        text: str = nbformat.writes(self._notebook)  # type: ignore[no-untyped-call]
        return text.encode("utf-8", "replace")

    def _join(self) -> None:
        if self._client is not None:
            self._client.streams.join()

    async def _close(self, client: LiveClient) -> None:
        if client.km is not None and client.km.has_kernel:
            await self._kill(client.km.provisioner)
            await ensure_async(client.km.shutdown_kernel(now=True))
        if client.kc is not None:
            client.kc.stop_channels()
        self._sockets.cleanup()

    async def _kill(self, provisioner: Any) -> None:
        """Kill the kernel, and look often whether it is gone: its manager looks every 100 ms."""
        await ensure_async(provisioner.kill())
        for _ in range(LOOKS):
            if await ensure_async(provisioner.poll()) is not None:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _start(self, client: LiveClient) -> None:
        folder = self._path.parent
        manager = client.create_kernel_manager()
        # Sockets in the file system: no other container can reach a kernel.
        manager.transport = "ipc"
        manager.connection_file = f"{self._sockets.name}/kernel.json"
        manager.ip = f"{self._sockets.name}/kernel"
        given = environment(folder, self._given)
        await client.async_start_new_kernel(cwd=str(folder), env=given)
        if pid := self._pid():
            self._pids.add(pid)
            put_after_us(pid)
        await client.async_start_new_kernel_client()
        if client.kc is not None and client.kernel_name == PYTHON:
            client.kc.execute(FLUSH_OFTEN, silent=True, store_history=False)

    async def _execute(self, client: LiveClient, notebook: NotebookNode) -> Ended:
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            if self._is_interrupted:
                return STOPPED
            self._cell = index
            self._began = time.monotonic()
            self._tell(cell, "running", title=title_of(cell.source))
            try:
                await client.async_execute_cell(cell, index)
            except CellExecutionError as error:
                self._tell(cell, "error", seconds=self._seconds())
                return self._raised(cell, error)
            self._tell(cell, "done", seconds=self._seconds())
        self._cell = None
        return Ended("finished")

    def _tell(self, cell: NotebookNode, state: str, **more: Any) -> None:
        named = {"id": cell["id"]} if "id" in cell else {}
        self._feed.put("cell", cell=self._cell, state=state, **named, **more)

    def _seconds(self) -> float:
        return round(time.monotonic() - self._began, 3)

    def _raised(self, cell: NotebookNode, error: CellExecutionError) -> Ended:
        found = [one for one in cell.outputs if one.output_type == "error"]
        traceback = tuple(found[-1].traceback) if found else tuple(error.traceback.splitlines())
        value = f": {error.evalue}" if error.evalue else ""
        sentence = f"Cell {(self._cell or 0) + 1} raised {error.ename}{value}"
        return Ended("failed", Reason(sentence, self._cell, error.ename, error.evalue, traceback))

    def _died(self, error: Exception) -> Ended:
        if self._usage.ran_out_of_memory():
            sentence = "The notebook ran out of memory, and its kernel was ended."
        elif isinstance(error, DeadKernelError):
            sentence = "The notebook's kernel ended by itself."
        else:
            sentence = f"The notebook's kernel did not start: {error}"
        if self._cell is not None and self._notebook is not None:
            cell = self._notebook.cells[self._cell]
            self._tell(cell, "error", seconds=self._seconds())
        return Ended("failed", Reason(sentence, self._cell))

    def _pid(self) -> int | None:
        manager = self._client.km if self._client else None
        return getattr(getattr(manager, "provisioner", None), "pid", None)


def title_of(source: str) -> str:
    """Return how a cell is called in the log: its first line that says something."""
    lines = (line.strip() for line in source.splitlines())
    return next((line for line in lines if line), "")[:LONGEST_TITLE]


def _read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def kernel_of(notebook: NotebookNode) -> str:
    """Return the kernel that a notebook wants: any Python is the image's Python."""
    spec = notebook.metadata.get("kernelspec", {})
    name = str(spec.get("name") or PYTHON)
    return PYTHON if _speaks_python(notebook) else name


def _speaks_python(notebook: NotebookNode) -> bool:
    spec = notebook.metadata.get("kernelspec", {})
    language = spec.get("language") or notebook.metadata.get("language_info", {}).get("name")
    name = str(spec.get("name") or PYTHON)
    return language == "python" or (not language and name.startswith("python"))
