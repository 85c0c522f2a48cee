"""Realistic spans for the demo, the tests and the benchmarks: generated, deterministic, fast."""

from spanduck._sample.columns import SCHEMA
from spanduck._sample.evaluations import EVALUATIONS, evaluations
from spanduck._sample.rendering import generate, generate_table

__all__ = ["EVALUATIONS", "SCHEMA", "evaluations", "generate", "generate_table"]
