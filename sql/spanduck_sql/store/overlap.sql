-- How many row groups a start lies strictly within, on average of starts taken here and there.
WITH row_groups AS (
    SELECT min(start_time) AS oldest, max(start_time) AS newest
    FROM spans
    GROUP BY rowid // $group_rows
),
sampled AS (
    SELECT rowid AS row_id, start_time FROM spans WHERE rowid % $step = 0
),
counted AS (
    SELECT count(row_groups.oldest) AS row_groups
    FROM sampled
    LEFT JOIN row_groups
        ON sampled.start_time > row_groups.oldest AND sampled.start_time < row_groups.newest
    GROUP BY sampled.row_id
)
SELECT avg(row_groups) FROM counted
