import pytest

from guideboard import _address
from guideboard.errors import AddressError


@pytest.mark.parametrize(
    ("text", "target", "tls"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", False),
        ("127.0.0.1:8080", "127.0.0.1:8080", False),
        ("HTTP://localhost:1/", "localhost:1", False),
        ("https://board.example:443", "board.example:443", True),
        ("HTTPS://[::1]:8443/", "[::1]:8443", True),
        ("unix:run/board.sock", "unix:run/board.sock", False),
        ("unix:/run/board.sock", "unix:/run/board.sock", False),
        ("unix:///run/board.sock", "unix:/run/board.sock", False),
    ],
)
def test_addresses_are_taken_with_and_without_the_scheme(text: str, target: str, tls: bool) -> None:
    address = _address.parse(text)
    assert (address.target, address.tls) == (target, tls)


@pytest.mark.parametrize(
    "text",
    ["localhost:1", "LOCALHOST:1", "127.8.9.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:s"],
)
def test_loopback_and_sockets_are_local(text: str) -> None:
    assert _address.parse(text).is_local


@pytest.mark.parametrize(
    "text", ["a:1", "10.0.0.1:1", "0.0.0.0:1", "[::]:1", "[::ffff:10.0.0.1]:1", "localhost.example:1"]
)
def test_other_machines_are_not_local(text: str) -> None:
    assert not _address.parse(text).is_local


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "host",
        "http://host",
        "host:",
        "host:0",
        "host:65536",
        "host:+80",
        "host:80x",
        "host:٨٠",
        ":80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "::1]:80",
        "[host]:80",
        "[::1%lo]:80",
        "http://host:80/path",
        "http://user@host:80",
        "ftp://host:80",
        "a host:80",
        "hôte:80",
        "unix:",
        "unix://",
        "unix://relative/path",
        "unix:a\0b",
        "unix:/" + "x" * 107,
        "/run/board.sock",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        _address.parse(text)
