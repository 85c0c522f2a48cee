"""SQL results to the service: planned, sent once, accounted for value by value."""

from spanduck._write_back.plan import WritePlan
from spanduck._write_back.report import WriteBackReport
from spanduck._write_back.run import run_model, write_back

__all__ = ["WriteBackReport", "WritePlan", "run_model", "write_back"]
