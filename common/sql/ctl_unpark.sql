-- Removes a parked entry. $1 its number
DELETE FROM sync_errors WHERE id = $1::int8 RETURNING id
