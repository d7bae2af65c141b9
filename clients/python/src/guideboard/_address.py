"""Where a server is looked for."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from guideboard.errors import AddressError

_MAX_SOCKET_PATH = 107
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")
_PORT = re.compile(r"[0-9]{1,5}")
_MAX_PORT = 65535


@dataclass(frozen=True)
class Address:
    """A server's address, as it was read."""

    #: Whether TLS is spoken.
    tls: bool
    #: The host, an IPv6 address without its brackets; empty for a Unix socket.
    host: str
    #: The port; 0 for a Unix socket.
    port: int
    #: The path of the Unix socket, else empty.
    socket: str

    @property
    def target(self) -> str:
        """What gRPC connects to."""
        if self.socket:
            return f"unix:{self.socket}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether nothing leaves this machine on the way."""
        if self.socket or self.host.lower() == "localhost":
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)


def _wrong(what: str) -> AddressError:
    return AddressError(
        f"a server is http://HOST:PORT, https://HOST:PORT or unix:PATH, an IPv6 address in brackets: {what}"
    )


def _socket(text: str) -> Address:
    path = text
    if text.startswith("//"):
        path = text[2:]
        if not path.startswith("/"):
            raise _wrong("`unix://` is followed by an absolute path; a relative one is unix:PATH")
    if not path or "\0" in path:
        raise _wrong("the path of the socket is missing")
    if len(path.encode()) > _MAX_SOCKET_PATH:
        raise _wrong(f"the path of a socket has at most {_MAX_SOCKET_PATH} bytes")
    return Address(tls=False, host="", port=0, socket=path)


def parse(text: str) -> Address:
    """Reads ``http://HOST:PORT``, ``https://HOST:PORT``, ``HOST:PORT``, ``unix:PATH`` or ``unix:///PATH``.

    Raises:
        AddressError: It is none of these.
    """
    if text.startswith("unix:"):
        return _socket(text.removeprefix("unix:"))
    scheme, found, authority = text.partition("://")
    if not found:
        scheme, authority = "http", text
        if text.endswith(".sock") or text.startswith(("/", "./", "../")):
            raise _wrong(f"was `unix:{text[:_MAX_SOCKET_PATH]}` meant?")
    if scheme.lower() not in ("http", "https"):
        raise _wrong("the scheme is none of these")
    authority = authority.removesuffix("/")
    if any(mark in authority for mark in "/?#"):
        raise _wrong("nothing may follow the port")
    if "@" in authority:
        raise _wrong("a user cannot be named")
    host, found, port = authority.rpartition(":")
    if not found:
        raise _wrong("the port is missing")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            is_host = ipaddress.IPv6Address(host).scope_id is None
        except ValueError:
            is_host = False
    else:
        is_host = _HOST.fullmatch(host) is not None
    if not is_host:
        raise _wrong("the host is no name or address")
    if not _PORT.fullmatch(port) or not 0 < int(port) <= _MAX_PORT:
        raise _wrong(f"the port is from 1 to {_MAX_PORT}")
    return Address(tls=scheme.lower() == "https", host=host, port=int(port), socket="")
