"""The web server: Python's own, in threads. It reads a request, has it checked, and writes the answer."""

import json
import logging
import math
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mltk_like.errors import DataError, MltkLikeError, SettingError
from mltk_like.verbs.workbench.guard import CLOSED, Guard, Refused

logger = logging.getLogger(__name__)

MOST_BYTES = 64 << 20
"""Of one request: eleven minutes of sound at 48 kHz."""
MOST_CONNECTIONS = 64
"""At once, each a thread: a browser keeps up to six, and closes them when they have idled for a minute."""
_IDLE_S = 60.0
# The page loads nothing from elsewhere, is in no other page's frame, and sends no form anywhere.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
    b'{"error": "too many connections at once", "hint": "close pages of the workbench that nobody looks at"}'
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a browser asks for.

    Attributes:
        method: GET or POST.
        path: without the query.
        query: values by name, in their order.
        body: of a POST.
    """

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: bytes = b""

    def one(self, name: str, default: str | None = None) -> str:
        """A value of the query. Raises SettingError where it is not there and has no default."""
        values = self.query.get(name)
        if values:
            return values[-1]
        if default is None:
            raise SettingError(f"the request does not say {name}")
        return default

    def number(self, name: str, default: float) -> float:
        """A value of the query as a finite number. Raises SettingError."""
        return finite(self.one(name, str(default)), name)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises SettingError."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise SettingError("the request holds no JSON") from error
        if not isinstance(found, dict):
            raise SettingError("the request holds no JSON object")
        return found


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer: content, its kind, and what the headers say besides."""

    data: bytes
    kind: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Reply]


def finite(value: object, name: str) -> float:
    """A value from a request as a finite number. Raises SettingError."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise SettingError(f"{name} is {value!r}, which is no number")
    return number


def as_json(value: object, status: int = 200) -> Reply:
    """Plain values as a reply; what is not a number (a figure of an epoch that is not known) becomes null."""
    return Reply(data=json.dumps(_plain(value), allow_nan=False).encode(), status=status)


def refusal(error: MltkLikeError | Refused) -> Reply:
    """What is wrong with a request, in the words of the command line."""
    if isinstance(error, Refused):
        return as_json({"error": error.message, "hint": ""}, error.status)
    return as_json({"error": error.message, "hint": error.hint}, 400)


class WorkbenchServer(ThreadingHTTPServer):
    """Serves an application until it is closed.

    Args:
        host: name or address to serve on.
        port: 0: a free one.
        make: makes the application, once the port is known: who may ask, and what answers.

    Raises:
        DataError: the port is taken or there is none of that number, or the host is not of this machine.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, make: Callable[[Guard], Answer]) -> None:
        self.address_family = _family(host)
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:  # the second: beyond 65535
            why = getattr(error, "strerror", None) or error
            what = f"port {port} of {host}" if port else f"the host {host}"
            raise DataError(f"{what} cannot be used: {why}", "give another --port or --host") from error
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        address, number = self.server_address[:2]
        self.guard = Guard(host, str(address), number)
        self.answer = make(self.guard)

    @property
    def url(self) -> str:
        """The address to open, with its key."""
        return f"http://{self.guard.name}:{self.server_address[1]}/?key={self.guard.key}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread; one connection too many is told so, and closed."""
        if not self._places.acquire(blocking=False):
            request.setblocking(False)  # who takes nothing keeps nobody waiting
            with suppress(OSError):
                request.sendall(_TOO_MANY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """What the thread does: one connection, to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle is no news."""
        logger.debug("a connection ended early", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    server: WorkbenchServer

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def _reply(self) -> None:
        try:
            url = urlsplit(self.path)
            query = parse_qs(url.query, keep_blank_values=True, max_num_fields=200)
        except ValueError:
            self._write(refusal(Refused(400, "the address cannot be read")), last=True)
            return
        try:
            # Nothing of the body is read of whom is not to be answered.
            self._admit(url.path)
            if not url.path.startswith(self.server.guard.base):
                self._write(self._opened(url.path, query), last=True)
                return
            body = self._body()
        except Refused as error:
            self._write(refusal(error), last=True)
            return
        path = url.path[len(self.server.guard.base) - 1 :]
        self._write(_answered(self.server.answer, Request(method=self.command, path=path, query=query, body=body)))

    def _admit(self, path: str) -> None:
        guard = self.server.guard
        guard.check_host(self.headers)
        if path.startswith(f"{guard.base}api/") or self.command == "POST":
            guard.check_origin(self.headers)
            guard.check_session(self.headers)
        if self.command == "POST":
            guard.check_token(self.headers)

    def _opened(self, path: str, query: Mapping[str, list[str]]) -> Reply:
        """The key is only taken out of the printed address, which is left at once for one without it."""
        guard = self.server.guard
        if path != "/" or not guard.opens(query.get("key", [""])[-1]):
            raise Refused(403, CLOSED)
        return Reply(data=b"", status=303, headers={"Location": guard.base, "Set-Cookie": guard.cookie})

    def _body(self) -> bytes:
        if self.command != "POST":
            return b""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            raise Refused(411, "the request does not say how long it is")
        if int(length) > MOST_BYTES:
            raise Refused(413, f"the request has {length} bytes, and {MOST_BYTES} are allowed")
        return self.rfile.read(int(length))

    def _write(self, reply: Reply, *, last: bool = False) -> None:
        self.send_response(reply.status)
        for name, value in {**_HEADERS, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.data)))
        if last:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.data)

    def version_string(self) -> str:
        return "workbench"

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


def _answered(answer: Answer, request: Request) -> Reply:
    try:
        return answer(request)
    except (MltkLikeError, Refused) as error:
        return refusal(error)
    except Exception as error:  # the server goes on; the terminal shows where it was
        logger.exception("%s %s", request.method, request.path)
        return as_json({"error": f"{type(error).__name__}: {error}", "hint": "see the terminal"}, 500)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _family(host: str) -> Any:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
