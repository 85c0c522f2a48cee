from __future__ import annotations

import base64

import pytest

from spanduck._wire import UploadSchema, WireError, read_upload_schema, upload_schema_text

CAPTURED = b"ChAKCm15LWxsbS1hcHAgBSgHQgA="


def test_the_text_is_the_captured_one() -> None:
    assert upload_schema_text("my-llm-app") == CAPTURED
    assert base64.b64decode(CAPTURED).hex() == "0a100a0a6d792d6c6c6d2d617070200528074200"


def test_the_captured_text_is_read() -> None:
    assert read_upload_schema(CAPTURED) == UploadSchema(
        project="my-llm-app",
        environment="TRACING",
        model_type="GENERATIVE_LLM",
        content="arize_spans",
    )


def test_other_content_and_unknown_enums_are_told_apart_from_spans() -> None:
    # constants{model_id "m", environment 3, model_type 99}, arize_conclusions{}
    data = base64.b64encode(b"\x0a\x07\x0a\x01m\x20\x03\x28\x63\x12\x00")
    assert read_upload_schema(data) == UploadSchema(
        project="m",
        environment="PRODUCTION",
        model_type="UNKNOWN_MODELTYPE",
        content="arize_conclusions",
    )
    assert read_upload_schema(base64.b64encode(b"\x0a\x00")).content == ""


@pytest.mark.parametrize(
    "text",
    [b"", b"????", b"ChAK Cm15", b"abc", b"\xff\xff", base64.b64encode(b"\xff\xff"), b"QgA="],
)
def test_garbage_is_a_wire_error(text: bytes) -> None:
    with pytest.raises(WireError) as caught:
        read_upload_schema(text)
    assert caught.value.what == "arize-schema metadata"


def test_a_project_name_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(WireError, match="model_id"):
        upload_schema_text("\ud800")
