"""The service's protobuf messages, described in Python and kept in a descriptor pool of our own.

The vendor's SDK registers a package called `public` in the default pool, and a name can be
registered there only once. Our messages never enter that pool and carry a package name of their
own, which neither their JSON nor their binary form shows, so both can be used in one process.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE: Final = "spanduck.wire"
_ENUM: Final = "Value"

_SCALARS: Final[dict[str, descriptor_pb2.FieldDescriptorProto.Type.ValueType]] = {
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "double": descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
}
_ENUMS: Final[dict[str, tuple[str, ...]]] = {
    # The numbers are the positions. The two environments differ in the number of TRACING.
    "QueryEnvironment": ("UNKNOWN", "TRAINING", "VALIDATION", "PRODUCTION", "TRACING"),
    "SchemaEnvironment": (
        "UNKNOWN_ENVIRONMENT",
        "TRAINING",
        "VALIDATION",
        "PRODUCTION",
        "CORPUS",
        "TRACING",
    ),
    "ModelType": (
        "UNKNOWN_MODELTYPE",
        "BINARY",
        "NUMERIC",
        "CATEGORICAL",
        "SCORE_CATEGORICAL",
        "RANKING",
        "OBJECT_DETECTION",
        "GENERATIVE_LLM",
        "MULTI_CLASS",
    ),
    "SchemaType": ("MODEL", "DATASET"),
}
# One line a field: name=number and type; `*` marks a repeated field and `|` a member of the
# message's only oneof. `Opaque` stands for a message that we recognise and never read.
_MESSAGES: Final[dict[str, str]] = {
    "Opaque": "",
    "SimilaritySearchReference": """
        prediction_id=1 string
        reference_column_name=2 string
        prediction_timestamp=3 google.protobuf.Timestamp
        vector=4 *double
    """,
    "SimilaritySearchParams": """
        references=1 *SimilaritySearchReference
        search_column_name=2 string
        threshold=3 double
    """,
    "RecordQueryDescriptor": """
        space_id=1 string
        model_id=2 string
        environment=3 QueryEnvironment
        model_version=4 string
        batch_id=5 string
        start_time=6 google.protobuf.Timestamp
        end_time=7 google.protobuf.Timestamp
        include_actuals=8 bool
        filter_expression=9 string
        similarity_search_params=10 SimilaritySearchParams
        projected_columns=11 *string
        stream_chunk_size=12 google.protobuf.Int64Value
        parallelize_exports=13 google.protobuf.BoolValue
        sample_rate=14 google.protobuf.DoubleValue
    """,
    "WriteSpanEvaluationRequest": """
        external_model_id=1 string
        model_version=2 string
        space_id=3 string
        row_id_column_name=4 string
    """,
    "WriteSpanAnnotationRequest": """
        external_model_id=1 string
        model_version=2 string
        space_id=3 string
        row_id_column_name=4 string
    """,
    "WriteSpanAttributesMetadataRequest": """
        space_id=1 string
        external_model_id=2 string
    """,
    "DoPutRequest": """
        create_dataset=1 |Opaque
        update_dataset=2 |Opaque
        create_experiment=3 |Opaque
        post_experiment_data=4 |Opaque
        write_span_evaluation_request=5 |WriteSpanEvaluationRequest
        write_span_annotation_request=6 |WriteSpanAnnotationRequest
        write_span_attributes_metadata_request=7 |WriteSpanAttributesMetadataRequest
    """,
    # Evaluations and annotations are answered by two messages of one shape.
    "WriteSpanResponse": """
        records_updated=1 int64
        unmatched_ids=2 *string
    """,
    "SpanError": """
        span_id=1 string
        error_message=2 string
    """,
    "WriteSpanAttributesMetadataResponse": """
        spans_processed=1 int64
        spans_updated=2 int64
        spans_failed=3 int64
        errors=4 *SpanError
    """,
    "SchemaConstants": """
        model_id=1 string
        model_version=2 string
        batch_id=3 string
        environment=4 SchemaEnvironment
        model_type=5 ModelType
    """,
    "Schema": """
        constants=1 SchemaConstants
        arize_conclusions=2 |Opaque
        arize_explanations=3 |Opaque
        arrow_schema=4 |Opaque
        generic_schema=5 |Opaque
        arize_conclusion_pointers=6 |Opaque
        arize_explanation_pointers=7 |Opaque
        arize_spans=8 |Opaque
        arize_evaluations_update_pointers=9 |Opaque
        schema_type=10 SchemaType
    """,
    "ArrowFileUploadResponse": """
        error=1 string
        real_time_ingestion_uri=2 string
    """,
}


def _add_field(message: descriptor_pb2.DescriptorProto, line: str) -> None:
    declared, type_text = line.split()
    name, number = declared.split("=")
    type_name = type_text.lstrip("*|")
    field = message.field.add(name=name, number=int(number))
    field.label = (
        descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
        if type_text.startswith("*")
        else descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    )
    if type_name in _SCALARS:
        field.type = _SCALARS[type_name]
    elif type_name in _ENUMS:
        field.type = descriptor_pb2.FieldDescriptorProto.TYPE_ENUM
        field.type_name = f".{_PACKAGE}.{type_name}.{_ENUM}"
    else:
        field.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{type_name}" if "." in type_name else f".{_PACKAGE}.{type_name}"
    if type_text.startswith("|"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="choice")
        field.oneof_index = 0


def _build_file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="spanduck/wire.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[timestamp_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name],
    )
    for scope_name, members in _ENUMS.items():
        # Values of an enum live in the scope around it, where two values called TRACING would
        # clash: each enum gets a message of its own as scope.
        enum = file.message_type.add(name=scope_name).enum_type.add(name=_ENUM)
        for number, member in enumerate(members):
            enum.value.add(name=member, number=number)
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for line in fields.strip().splitlines():
            _add_field(message, line)
    return file


def _build_pool() -> DescriptorPool:
    pool = DescriptorPool()
    for standard in (timestamp_pb2, wrappers_pb2):
        pool.AddSerializedFile(standard.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(_build_file().SerializeToString())
    return pool


POOL: Final = _build_pool()


def message_class(name: str) -> Any:
    """Return the class of one of our messages.

    `Any`, because the fields of a class made at run time are unknown to a type checker; the
    dataclasses of this package are the typed side, and nothing outside it sees a protobuf object.
    """
    return GetMessageClass(POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def enum_name(enum: str, number: int) -> str:
    """Return the name of an enum's value, that of its zero value for an unknown number."""
    names = _ENUMS[enum]
    return names[number] if 0 <= number < len(names) else names[0]


def enum_number(enum: str, name: str) -> int | None:
    """Return the number of an enum's value, None for a name that it does not have."""
    names = _ENUMS[enum]
    return names.index(name) if name in names else None
