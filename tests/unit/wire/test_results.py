from __future__ import annotations

import pytest

from spanduck._wire import MetadataResult, Trailer, UpdateResult, WireError


def test_an_update_result_has_the_protocols_bytes() -> None:
    result = UpdateResult(records_updated=300, unmatched_ids=("a", "é"))
    assert result.to_bytes() == b"\x08\xac\x02\x12\x01a\x12\x02\xc3\xa9"
    assert UpdateResult.from_bytes(result.to_bytes()) == result


def test_a_metadata_result_has_the_protocols_bytes() -> None:
    result = MetadataResult(2, 1, 1, (("id", "no"),))
    assert result.to_bytes() == b"\x08\x02\x10\x01\x18\x01\x22\x08\x0a\x02id\x12\x02no"
    assert MetadataResult.from_bytes(result.to_bytes()) == result


def test_an_empty_payload_is_an_empty_result() -> None:
    assert UpdateResult.from_bytes(b"") == UpdateResult()
    assert MetadataResult.from_bytes(b"") == MetadataResult()
    assert UpdateResult().to_bytes() == b""
    assert MetadataResult().to_bytes() == b""


def test_unknown_fields_are_ignored() -> None:
    assert UpdateResult.from_bytes(b"\x08\x01\x78\x05") == UpdateResult(1)


@pytest.mark.parametrize("data", [b"\xff", b"\x12\x05ab", b"\x12\x01\xff", b"<html>"])
def test_a_payload_that_is_no_such_message_is_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError, match="update result"):
        UpdateResult.from_bytes(data)


def test_a_count_beyond_64_bits_is_refused() -> None:
    with pytest.raises(WireError, match="update result"):
        UpdateResult(2**63).to_bytes()
    with pytest.raises(WireError, match="metadata result"):
        MetadataResult(errors=(("\ud800", ""),)).to_bytes()


def test_a_trailer_is_a_small_json_text() -> None:
    assert Trailer(5).to_bytes() == b'{"rows": 5}'
    assert Trailer.from_bytes(b'{"rows": 5, "more": 1}') == Trailer(5)
    assert Trailer.from_bytes(memoryview(b'{"rows": 0}')) == Trailer(0)


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"\xff",
        b"5",
        b"[]",
        b"{}",
        b'{"rows": "5"}',
        b'{"rows": true}',
        b'{"rows": -1}',
        b'{"rows": 1.5}',
    ],
)
def test_other_peoples_app_metadata_is_no_trailer(data: bytes | None) -> None:
    assert Trailer.from_bytes(data) is None
