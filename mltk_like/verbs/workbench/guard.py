"""Who may ask the workbench: nobody but the page that the command opened.

A browser sends what any page of it asks for. So a request must carry the cookie that only the printed address sets, it
must be addressed to a name that the server was started under (a name that an attacker's DNS turns to 127.0.0.1 is
none), it must come from no other page, and one that changes something must carry a token besides, which only the page
itself knows. The cookie is for a folder whose name nobody guesses: else a browser would send it to every other server
of this machine, whatever its port.
"""

import hmac
import ipaddress
import secrets
from email.message import Message
from http.cookies import CookieError, SimpleCookie

TOKEN_HEADER = "X-Workbench-Token"
"""Header of requests that change something."""
CLOSED = "open the whole address that the command printed, with its key"
"""What a browser is told that was not opened by it."""
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


class Refused(Exception):
    """A request that gets no answer.

    Args:
        status: of HTTP.
        message: what is wrong, in one sentence.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Guard:
    """The secrets of one session of the server, and the names that it answers to.

    Args:
        host: that it was told to serve on.
        address: in figures, which that host is.
        port: that it serves on.
    """

    def __init__(self, host: str, address: str, port: int) -> None:
        self.key = secrets.token_urlsafe(24)
        """Part of the printed address."""
        self.token = secrets.token_urlsafe(24)
        """What the page sends with each request that changes something."""
        self.base = f"/{secrets.token_urlsafe(12)}/"
        """Where the page and all that it asks for is."""
        # Cookies of one host are those of all its ports.
        self._cookie = f"workbench_{port}"
        self.name = _in_url(host.lower())
        """Of the host, as the printed address has it: browsers write names small."""
        names = {self.name, _in_url(address), *(_LOCAL if is_local(address) else ())}
        # All addresses of this machine have no list.
        self._hosts = set() if address in ("0.0.0.0", "::") else {f"{name}:{port}" for name in names}
        self._port = port

    def opens(self, key: str) -> bool:
        """Whether an address has the right key."""
        return hmac.compare_digest(key.encode(), self.key.encode())

    @property
    def cookie(self) -> str:
        """What a browser is told to keep: no script reads it, and no other site's request carries it."""
        return f"{self._cookie}={self.key}; Path={self.base}; HttpOnly; SameSite=Strict"

    def check_host(self, headers: Message) -> None:
        """Raise Refused for a request to another name."""
        host = headers.get("Host", "")
        if not self._is_ours(host):
            raise Refused(421, f"this server is not {host[:80]!r}: open the address that the command printed")

    def check_origin(self, headers: Message) -> None:
        """Raise Refused for a request from another page; a link may lead here from anywhere."""
        host = headers.get("Host", "")
        origin = headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise Refused(403, "the request comes from another page")
        if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Refused(403, "the request comes from another site")

    def check_session(self, headers: Message) -> None:
        """Raise Refused for a browser that was not opened by the printed address."""
        try:
            found = SimpleCookie(headers.get("Cookie", "")).get(self._cookie)
        except CookieError:
            found = None
        if found is None or not self.opens(found.value):
            raise Refused(403, CLOSED)

    def check_token(self, headers: Message) -> None:
        """Raise Refused for a request that changes something and does not come from the page itself."""
        if not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            raise Refused(403, f"the request lacks the page's {TOKEN_HEADER}: load the page again")

    def _is_ours(self, host: str) -> bool:
        # Browsers leave out HTTP's own port.
        host = f"{host}:80" if self._port == 80 and not host.endswith(":80") else host
        if self._hosts:
            return host in self._hosts
        # Any address in figures is one that no DNS has given.
        name, _, port = host.rpartition(":")
        return port == str(self._port) and (name in _LOCAL or _is_address(name))


def is_local(host: str) -> bool:
    """Whether only this machine reaches a server on that host."""
    return host in ("localhost", "::1") or (_is_address(host) and host.startswith("127."))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
