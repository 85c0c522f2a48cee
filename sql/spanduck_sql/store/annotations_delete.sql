DELETE FROM annotations
WHERE rowid IN (SELECT place FROM merged)
