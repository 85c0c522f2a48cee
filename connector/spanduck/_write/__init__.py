"""Frames of evaluations, annotations and metadata to the service: all checked, then sent."""
