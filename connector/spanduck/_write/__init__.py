"""Evaluation rows to the service: shape, validate, batch, send, and an outcome for each value."""
