"""The span filter language: text to tree and back, what its names and operators mean, and as SQL.

`tokens` and `parser` read a text, `printer` writes one, `fields` is the catalogue of names,
`columns` what a project has stored, `binding` gives a tree the types of those columns, and
`evaluate` and `generate` are its two meanings: on one row in Python, and as a sqlglot condition.
Only `generate` imports sqlglot.
"""
