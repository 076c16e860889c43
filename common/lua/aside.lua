-- aside.lua: renames what stands under a name of ours and is of another type (protocol.txt §5).
--
-- KEYS pairs (name, where it is put aside)
-- ARGV seconds that it is kept there, then the type that each name should have
-- Returns the names and types that were found in the way: {name, type, name, type, ...}. What stood aside before is replaced:
-- people may look at what it was, but it cannot pile up.

local found = {}
for pair = 1, #KEYS / 2 do
    local name, aside = KEYS[2 * pair - 1], KEYS[2 * pair]
    local type = redis.call('TYPE', name).ok
    if type ~= 'none' and type ~= ARGV[1 + pair] then
        redis.call('RENAME', name, aside)
        redis.call('EXPIRE', aside, ARGV[1])
        found[#found + 1] = name
        found[#found + 1] = type
    end
end
return found
