"""Exports in the forms that people take them: a reader, a DataFrame, a Parquet file."""
