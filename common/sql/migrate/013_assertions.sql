-- What may still reach a platform though nobody waits for it any more, and what is asserted behind it (protocol.txt §1): when the
-- last sending whose outcome is not known began, under the delivery's own id and under those that it overtook, while it is
-- unfinished; and for what has ended, at the record, with the fields that were sent.

ALTER TABLE deliveries ADD COLUMN lost_at timestamptz, ADD COLUMN overtook_at timestamptz,
    ADD COLUMN asserts text; -- fields, with commas, in common names; * for all: they go whatever the platform is thought to have
ALTER TABLE record_platforms ADD COLUMN lost_at timestamptz, ADD COLUMN lost_fields text;
