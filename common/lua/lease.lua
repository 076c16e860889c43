-- lease.lua: copies a lease of PostgreSQL to where owners' scripts look for it (protocol.txt §6).
--
-- KEYS owner
-- ARGV fence, mark
-- Writes the copy when it is absent or lower, never downwards: a late former owner cannot undo its successor's. Returns the
-- fence that stands.

local stands = tonumber(redis.call('HGET', KEYS[1], 'fence'))
local fence = tonumber(ARGV[1])
if stands and stands >= fence then
    return stands
end
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'mark', ARGV[2])
return fence
