-- alone.lua: notes, before it is handled, the reference that is handled by itself because its entry was handed out often.
--
-- KEYS owner
-- ARGV fence, entry id, event id
-- Returns {1} when it may begin, {2} when an earlier owner began it as the only one and left no outcome: it is to be parked. {0}
-- when the owner key is absent, {-1, its fence} when it differs: then nothing was changed.
--
-- The note stands at the owner key, one for a partition, and outlives its writer: what an earlier owner noted last is the suspect
-- from the first note of a later one on. Under the same fence the writer itself is back after its lease had run out: nobody
-- ended on it.

local fence, note, suspect = unpack(redis.call('HMGET', KEYS[1], 'fence', 'alone', 'suspect'))
if not fence then
    return {0}
elseif fence ~= ARGV[1] then
    return {-1, tonumber(fence)}
end

local what = ARGV[2] .. ' ' .. ARGV[3]
local by, began = string.match(note or '', '^(%d+) (.*)$')
if by and by ~= fence then
    suspect = began
    redis.call('HSET', KEYS[1], 'suspect', suspect)
end
if what == suspect then
    return {2}
end
redis.call('HSET', KEYS[1], 'alone', fence .. ' ' .. what)
return {1}
