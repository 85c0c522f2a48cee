-- Takes `root`, root spans by their trace, and `earliest`, a trace for each session; sessions may have one in common.
SELECT earliest.session AS key, root.span_id
FROM root
JOIN earliest
    ON earliest.trace = root.key;
