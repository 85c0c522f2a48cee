DELETE FROM evaluations
WHERE rowid IN (SELECT place FROM merged)
