-- What was learnt of a record where deliveries take several steps: ids of its parts there (a product's variant …), so that the next
-- delivery need not look them up. A format byte, then JSON; null where one request does it all.

ALTER TABLE record_platforms ADD COLUMN steps bytea;
