from __future__ import annotations

import platform

import pytest

import spanduck
from spanduck._wire import (
    ClientIdentity,
    WireError,
    extra_headers,
    flight_headers,
    identity_headers,
    read_api_key,
    read_bearer,
    read_identity,
    rest_headers,
    upload_headers,
)

KEY = "ak-test-123"


def test_the_four_identity_headers_name_this_package() -> None:
    assert identity_headers() == {
        "sdk-language": "python",
        "language-version": platform.python_version(),
        "sdk-version": spanduck.__version__,
        "sdk-package-name": "spanduck",
    }


def test_the_key_has_another_shape_on_each_surface() -> None:
    assert rest_headers(KEY)["Authorization"] == "Bearer ak-test-123"
    assert upload_headers(KEY, "SPACE", 3) == {
        **identity_headers(),
        "authorization": "ak-test-123",
        "arize-space-id": "SPACE",
        "arize-interface": "batch",
        "number-of-rows": "3",
    }
    flight = dict(flight_headers(KEY))
    assert flight[b"auth-token-bin"] == b"ak-test-123"
    assert flight[b"origin"] == b"spanduck-client"
    assert flight[b"sdk-package-name"] == b"spanduck"
    # An upper-case letter breaks every Flight call.
    assert all(name == name.lower() for name in flight)


def test_a_server_reads_all_three_shapes() -> None:
    flight = {name.decode(): [value] for name, value in flight_headers(KEY)}
    for headers in (rest_headers(KEY), upload_headers(KEY, "s", 1), flight):
        assert read_api_key(headers) == KEY


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer k", "k"),
        ("bearer  k ", "k"),
        ("k", "k"),
        (b"Bearer k", "k"),
        (b"\xff", None),
        ("Basic k", "Basic k"),
    ],
)
def test_a_bearer_value_is_read_with_and_without_its_scheme(
    value: str | bytes | None, key: str | None
) -> None:
    assert read_bearer(value) == key


def test_no_key_is_none() -> None:
    absent: list[dict[str, object]] = [
        {},
        {"auth-token-bin": b""},
        {"auth-token-bin": []},
        {"authorization": ""},
    ]
    for headers in absent:
        assert read_api_key(headers) is None


@pytest.mark.parametrize("key", ["", "secret key", "secret\n", "sécret"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(WireError) as caught:
        rest_headers(key)
    assert "cret" not in str(caught.value)
    with pytest.raises(WireError):
        upload_headers(key, "s", 1)


def test_a_space_name_that_cannot_be_sent_asks_for_the_id() -> None:
    with pytest.raises(WireError, match="Use the id"):
        upload_headers(KEY, "größe", 1)


def test_the_caller_is_known_by_its_headers() -> None:
    identity = read_identity(
        {"SDK-Package-Name": "arize", "sdk-version": [b"8.37.0"], "sdk-language": "python"}
    )
    assert identity == ClientIdentity(package="arize", version="8.37.0", language="python")
    assert read_identity({}) == ClientIdentity()


@pytest.mark.parametrize(
    ("package", "version", "expected"),
    [
        ("arize", "8.37.0", True),
        ("arize", "8.9.1", True),
        ("arize", "8.37.1", False),
        ("arize", "8.61.0", False),
        ("arize", "8.37.0rc1", False),
        ("arize", "", False),
        ("spanduck", "0.1.0", False),
    ],
)
def test_only_the_vendors_versions_say_what_a_caller_understands(
    package: str, version: str, expected: bool
) -> None:
    assert ClientIdentity(package, version).is_vendor_sdk_up_to("8.37.0") is expected


def test_further_headers_travel_in_lower_case() -> None:
    assert extra_headers({"X-Tenant": "größe"}) == [(b"x-tenant", "größe".encode("latin-1"))]


@pytest.mark.parametrize(
    ("name", "value"),
    [("", "v"), ("a b", "v"), ("a:", "v"), ("ä", "v"), ("Grpc-Metadata-x", "v"), ("Auth-Token-Bin", "v"),
     ("x", "\u20ac"), ("x", "a\nb"), ("x", "a\rb"), ("x", "a\0b")],
)  # fmt: skip
def test_a_header_that_cannot_be_added_is_refused(name: str, value: str) -> None:
    with pytest.raises(WireError) as caught:
        extra_headers({name: value})
    assert caught.value.what == "default_headers"
