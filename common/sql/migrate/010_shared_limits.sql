-- What the replicas of a platform's worker have in common (breaker, Retry-After, window, rates, who was lent how much): one document in
-- the row of route '', written by whoever read the number before; see share.h. Text to people, so jsonb.

ALTER TABLE platform_status ADD COLUMN number bigint NOT NULL DEFAULT 0, ADD COLUMN shared jsonb;
