-- Of elements that break rules: for each rule the first list, and how many lists.
SELECT
    rule,
    min(row_index) AS row_index,
    arg_min(element, row_index) AS element,
    count(DISTINCT row_index) AS lists
FROM broken
GROUP BY rule
ORDER BY rule
