"""Rows of the caller, made into what the upload endpoint takes: read, encode, check, send."""
