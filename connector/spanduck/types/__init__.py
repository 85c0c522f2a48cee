"""Public value types: what methods return, and what they take."""

from __future__ import annotations

from spanduck.types._configs import (
    AnnotationConfig,
    AnnotationConfigsPage,
    CategoricalAnnotationConfig,
    CategoricalAnnotationValue,
    ContinuousAnnotationConfig,
    FreeformAnnotationConfig,
)
from spanduck.types._inputs import (
    AnnotateRecordInput,
    AnnotationInput,
)
from spanduck.types._pages import PageInfo
from spanduck.types._responses import (
    DeleteResponse,
    MetadataResponse,
    UpdateResponse,
    UploadResponse,
)
from spanduck.types._spans import (
    Span,
    SpanAnnotation,
    SpanContext,
    SpanEvaluation,
    SpanEvent,
    SpansPage,
)
from spanduck.types._traces import (
    Trace,
    TracesPage,
)

__all__ = [
    "AnnotateRecordInput",
    "AnnotationConfig",
    "AnnotationConfigsPage",
    "AnnotationInput",
    "CategoricalAnnotationConfig",
    "CategoricalAnnotationValue",
    "ContinuousAnnotationConfig",
    "DeleteResponse",
    "FreeformAnnotationConfig",
    "MetadataResponse",
    "PageInfo",
    "Span",
    "SpanAnnotation",
    "SpanContext",
    "SpanEvaluation",
    "SpanEvent",
    "SpansPage",
    "Trace",
    "TracesPage",
    "UpdateResponse",
    "UploadResponse",
]
