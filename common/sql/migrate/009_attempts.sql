-- Who loses a partition with something in flight records that sending afterwards. The next owner, who did not know of it, may have
-- given the same number to its own: when each began tells them apart.

ALTER TABLE sync_results DROP CONSTRAINT sync_results_pkey;
ALTER TABLE sync_results ADD PRIMARY KEY (event_id, target_platform, generation, sending, at);
