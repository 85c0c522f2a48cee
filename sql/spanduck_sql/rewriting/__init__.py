"""What `spanduck_sql.rewrite` is made of.

`statements` cuts a text into statements and puts words into it, `calls` reads the `spans(...)`
calls of one, `joins` is the shape of a FROM, `names` tells which call a column belongs to, `reach`
which conditions hold for the rows of a call, and `nulls` what a condition says of a row that an
outer join made up. All of it needs sqlglot, which is slow to import: nothing on the way of
`spans(...)` itself may import this.
"""
