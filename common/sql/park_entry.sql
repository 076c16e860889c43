-- Keeps an entry of the belt that nobody can read, with the reason. $1 stage  $2 stream  $3 entry id  $4 reason  $5 entry
INSERT INTO sync_errors (stage, stream, entry_id, reason, entry) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
