"""The span filter language: text to tree and back, what its names and operators mean, and as SQL.

`tokens` and `parser` read a text, and `mistakes`, `value_mistakes` and `habits` word what is wrong
with one; `printer` writes it. `fields` is the catalogue of names, `columns` what a project has
stored, `binding` (with `hints`) gives a tree the types of those columns. `evaluate` and `generate`
are its two meanings, on one row in Python and as a sqlglot condition; both stand on `values` (what
counts as a number, a boolean or a time in text), `paths` and `documents` (what lies inside JSON).
`reference` is the language as tables. Only `generate` and its `nodes` import sqlglot.
"""
