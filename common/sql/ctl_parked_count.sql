-- How many entries of the belt are parked; counts no further than $1.
SELECT count(*) AS parked FROM (SELECT FROM sync_errors LIMIT $1::int4) e
