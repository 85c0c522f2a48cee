"""Evaluations and annotations in frames: their columns, their rules, and rows made into columns."""
