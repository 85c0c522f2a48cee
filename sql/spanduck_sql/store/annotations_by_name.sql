-- What one call says under each name.
SELECT name, list(DISTINCT label ORDER BY label), min(score), max(score)
FROM staged
GROUP BY name
ORDER BY name
