"""How a server is reached: what the synchronous and the asynchronous channel have in common."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from guideboard import _address
from guideboard.errors import InsecureTokenError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    StrPath = str | os.PathLike[str]

#: Where systems keep the authorities that they trust, if OpenSSL does not say.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # A connection whose other side is gone without a word is noticed, well below the server's idle limits.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Otherwise clients of one process would share connections, and their fate.
    ("grpc.use_local_subchannel_pool", 1),
    # What is tried again is decided in one place, here.
    ("grpc.enable_retries", 0),
)


@dataclass(frozen=True)
class Connection:
    """What a channel is made of."""

    address: _address.Address
    options: tuple[tuple[str, Any], ...]
    #: Sent with every call.
    metadata: tuple[tuple[str, str], ...]
    #: None: without TLS.
    credentials: grpc.ChannelCredentials | None


def connection(
    address: str,
    *,
    token: str | None,
    token_file: StrPath | None,
    ca_file: StrPath | None,
    server_name: str | None,
    certificate_file: StrPath | None,
    key_file: StrPath | None,
    allow_insecure_token: bool,
    options: Sequence[tuple[str, Any]],
) -> Connection:
    """Reads what `Client` was given.

    Raises:
        ValueError: Arguments that are wrong, or do not go together.
        OSError: A file cannot be read.
    """
    place = _address.parse(address)
    all_options: list[tuple[str, Any]] = [*_OPTIONS]
    if place.socket:
        # gRPC would send the escaped path, which is no host that a server answers to.
        all_options.append(("grpc.default_authority", "localhost"))
    if place.is_local:
        all_options.append(("grpc.enable_http_proxy", 0))
    for_tls = {
        "ca_file": ca_file,
        "server_name": server_name,
        "certificate_file": certificate_file,
        "key_file": key_file,
    }
    if not place.tls and (given := [name for name, value in for_tls.items() if value is not None]):
        raise ValueError(f"{', '.join(given)}: only an address that begins with https:// has a use for it")
    if (certificate_file is None) != (key_file is None):
        raise ValueError("certificate_file and key_file go together")
    credentials = None
    if place.tls:
        if server_name is not None:
            all_options.append(("grpc.ssl_target_name_override", server_name))
        credentials = grpc.ssl_channel_credentials(
            root_certificates=Path(ca_file).read_bytes() if ca_file is not None else system_roots(),
            private_key=Path(key_file).read_bytes() if key_file is not None else None,
            certificate_chain=Path(certificate_file).read_bytes() if certificate_file is not None else None,
        )
    secret = _token(token, token_file)
    if secret is not None and not place.tls and not place.is_local and not allow_insecure_token:
        raise InsecureTokenError(
            "without TLS everybody on the way to another machine reads the token; use https://, or allow_insecure_token=True"
        )
    metadata = (("authorization", f"Bearer {secret}"),) if secret is not None else ()
    return Connection(place, (*all_options, *options), metadata, credentials)


def _token(token: str | None, token_file: StrPath | None) -> str | None:
    if token is not None and token_file is not None:
        raise ValueError("token and token_file exclude each other")
    if token_file is not None:
        token = Path(token_file).read_text(encoding="utf-8").strip()
    # No error repeats it.
    if token is not None and (not token or not all("!" <= letter <= "~" for letter in token)):
        raise ValueError("the token is empty, or has characters that no token has")
    return token


def system_roots() -> bytes | None:
    """The authorities that the system trusts; None, which is those that gRPC brings along, where they cannot be found."""
    said = ssl.get_default_verify_paths().cafile
    for bundle in filter(None, (said, *_BUNDLES)):
        path = Path(bundle)
        if path.is_file():
            return path.read_bytes()
    found = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, found)).encode() or None
