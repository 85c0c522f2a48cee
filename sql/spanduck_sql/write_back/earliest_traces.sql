-- Takes `seen`, spans of sessions, and gives the trace of the earliest span of each session. The trace's id decides
-- between equal times, so that the answer is the same every time.
SELECT DISTINCT ON (session) session, trace, start
FROM seen
WHERE session IS NOT NULL
ORDER BY session, start, trace;
