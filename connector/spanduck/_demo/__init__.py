"""`spanduck demo`: the whole path in half a minute, on generated spans and a server of its own."""

from spanduck._demo.story import PROJECT, SPANS, run_demo

__all__ = ["PROJECT", "SPANS", "run_demo"]
