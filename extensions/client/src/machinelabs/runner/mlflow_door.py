"""A listener for MLflow's client on the loopback of the run's container, in threads of its own.

It knows nothing that the code must not know: it only takes what the code measures.
"""

import contextlib
import json
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlsplit

from machinelabs.runner.mlflow_calls import Calls
from machinelabs.runner.mlflow_runs import Refusal

HOST: Final = "127.0.0.1"
MOST_BYTES: Final = 4 << 20
MOST_CONNECTIONS: Final = 32
IDLE_SECONDS: Final = 60
WAIT_SECONDS: Final = 1
PREFIX: Final = "/api/2.0/mlflow/"
_STATUSES: Final = {
    "RESOURCE_DOES_NOT_EXIST": HTTPStatus.NOT_FOUND,
    "ENDPOINT_NOT_FOUND": HTTPStatus.NOT_FOUND,
    # Not 429: the client would try it again for minutes.
    "RESOURCE_EXHAUSTED": HTTPStatus.BAD_REQUEST,
}


class MlflowDoor:
    """Listens until it is closed."""

    def __init__(self, calls: Calls) -> None:
        handler = type("Handler", (_Handler,), {"calls": calls})
        self._server = _Server((HOST, 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="mlflow", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def close(self) -> None:
        """Listen no more."""
        # The thread looks up at once, and not when it has waited.
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._room = threading.Semaphore(MOST_CONNECTIONS)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        # Whoever asks while all are busy waits a little: the client asks again.
        if not self._room.acquire(timeout=WAIT_SECONDS):
            self.shutdown_request(request)
            return
        self._open.add(request)
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            self._open.discard(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(request)
            self._room.release()

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Say nothing of connections that break, or that no thread could be had for."""

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    calls: ClassVar[Calls]
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1
    """Head and body go in one piece: two would wait for each other."""

    def do_GET(self) -> None:
        """Answer what is asked in the address."""
        self._answer(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))

    def do_POST(self) -> None:
        """Answer what is asked in the body."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            self._refuse(Refusal(f"A request has at most {MOST_BYTES >> 20} MiB."))
            return
        try:
            said = json.loads(self.rfile.read(int(length)) or b"{}")
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict):
            self._answer(said)
        else:
            self._refuse(Refusal("The body must be a JSON object.", "MALFORMED_REQUEST"))

    do_PATCH = do_POST  # noqa: N815 - the names that http.server asks for
    do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Write nothing: the log is the code's."""

    def _answer(self, said: dict[str, Any]) -> None:
        path = urlsplit(self.path).path
        try:
            self._send(200, self.calls.answer(self.command, path.removeprefix(PREFIX), said))
        except Refusal as error:
            self._refuse(error)

    def _refuse(self, error: Refusal) -> None:
        status = _STATUSES.get(error.code, HTTPStatus.BAD_REQUEST)
        self._send(status, {"error_code": error.code, "message": str(error)})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
