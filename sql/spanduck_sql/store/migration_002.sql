-- Whether a column of doubles, or of scores, has ever held a NaN. Of what was stored before this was
-- asked, any may.

ALTER TABLE columns ADD COLUMN may_be_nan BOOLEAN DEFAULT FALSE;

UPDATE columns
SET may_be_nan = TRUE
WHERE kind = 'float64' OR (place = 'evaluation' AND suffix(logical, '.score'))
