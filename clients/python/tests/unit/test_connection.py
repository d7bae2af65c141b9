from pathlib import Path
from typing import Any

import pytest

from guideboard import Client, _connection, aio
from guideboard.errors import AddressError, InsecureTokenError


def made(address: str, **given: Any) -> _connection.Connection:
    arguments = dict.fromkeys(("token", "token_file", "ca_file", "server_name", "certificate_file", "key_file"))
    return _connection.connection(address, **{**arguments, "allow_insecure_token": False, "options": (), **given})


def test_over_a_socket_the_authority_is_localhost() -> None:
    assert ("grpc.default_authority", "localhost") in made("unix:/run/board.sock").options


def test_a_token_is_sent_as_a_bearer_token() -> None:
    assert made("localhost:1", token="secret").metadata == (("authorization", "Bearer secret"),)


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    assert made("unix:s", token_file=file).metadata == (("authorization", "Bearer secret"),)


@pytest.mark.parametrize("kind", [Client, aio.Client])
def test_a_token_goes_to_another_machine_only_over_tls_or_when_allowed(kind: Any) -> None:
    with pytest.raises(InsecureTokenError) as caught:
        kind("http://board.example:80", token="secret")
    assert "secret" not in str(caught.value)
    assert made("https://board.example:443", token="secret").metadata
    assert made("http://board.example:80", token="secret", allow_insecure_token=True).metadata


@pytest.mark.parametrize(
    "given",
    [
        {"token": "a", "token_file": "b"},
        {"token": ""},
        {"token": "two words"},
        {"token": "line\n"},
        {"ca_file": "ca.pem"},
        {"server_name": "a"},
        {"certificate_file": "a", "key_file": "b"},
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"token|https"):
        made("http://localhost:1", **given)


def test_a_certificate_goes_with_its_key() -> None:
    with pytest.raises(ValueError, match="go together"):
        made("https://localhost:1", certificate_file="a")


def test_what_is_no_address_is_refused_by_both_clients() -> None:
    for kind in (Client, aio.Client):
        with pytest.raises(AddressError):
            kind("nowhere")


def test_the_systems_authorities_are_found() -> None:
    roots = _connection.system_roots()
    assert roots is None or b"BEGIN CERTIFICATE" in roots
