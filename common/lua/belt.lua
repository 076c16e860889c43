-- belt.lua: acknowledges and publishes within one partition, in one step (protocol.txt §4, §5).
--
-- KEYS owner, A pairs (stream, its set) to acknowledge in, B pairs to publish to
-- ARGV fence ('' when A is 0), A, B,
--      per acknowledged pair: n ids, m entries, the n event ids, the m entry ids
--      per published pair:    limit, n, then n times (event id, ref)
-- Returns {1, added for pair 1, ... B}; {0} when the owner key is absent; {-1, its fence} when it differs.
--
-- The fence comes before the first write: a refused call changes nothing. Acknowledging comes before publishing: Redis
-- refuses for lack of memory only a script's first write, so that a hand-over is never cut in halves.

local REFS_MAX = 64 -- PROTO_REFS_MAX
local GROUP = 'sync' -- PROTO_GROUP
local BLOCK = 1000 -- words for one command: unpack has an end near 8,000

local fence, acks, publishes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if fence ~= '' then
    local stands = redis.call('HGET', KEYS[1], 'fence')
    if not stands then
        return {0}
    elseif stands ~= fence then
        return {-1, tonumber(stands)}
    end
elseif acks > 0 then
    return redis.error_reply('ERR acknowledging needs a fence')
end

local at = 4 -- the next argument

for pair = 1, acks do
    local stream, set = KEYS[2 * pair], KEYS[2 * pair + 1]
    local ids_end = at + 2 + tonumber(ARGV[at])
    local entries_end = ids_end + tonumber(ARGV[at + 1])
    for first = at + 2, ids_end - 1, BLOCK do
        redis.call('SREM', set, unpack(ARGV, first, math.min(first + BLOCK, ids_end) - 1))
    end
    for first = ids_end, entries_end - 1, BLOCK do
        local last = math.min(first + BLOCK, entries_end) - 1
        redis.call('XACK', stream, GROUP, unpack(ARGV, first, last))
        redis.call('XDEL', stream, unpack(ARGV, first, last))
    end
    at = entries_end
end

-- The entry's fields without ids that the call named twice.
local function without_repeats(ids, fields)
    local seen, kept = {}, {'v', '1'}
    for i, id in ipairs(ids) do
        if not seen[id] then
            seen[id] = true
            kept[#kept + 1] = 'r'
            kept[#kept + 1] = fields[2 * i + 2]
        end
    end
    return kept
end

-- One entry. The ids were not in the set when it was asked.
local function add(stream, set, ids, fields)
    local added = redis.call('SADD', set, unpack(ids))
    if added == 0 then
        return 0
    elseif added < #ids then
        fields = without_repeats(ids, fields)
    end
    if not redis.call('XADD', stream, 'NOMKSTREAM', '*', unpack(fields)) then
        -- No stream, or one that somebody deleted: what else its set names went with it.
        redis.call('DEL', set)
        redis.call('SADD', set, unpack(ids))
        redis.call('XADD', stream, '*', unpack(fields))
    end
    return added
end

-- A set that somebody deleted comes back from its stream, or all that waits there would be published once more. XLEN comes before
-- the first write: under a key of another type nothing is left half done.
local function size_of(stream, set)
    local size = redis.call('SCARD', set)
    if size > 0 or redis.call('XLEN', stream) == 0 then
        return size
    end
    local start, page = '-', nil
    repeat
        page = redis.call('XRANGE', stream, start, '+', 'COUNT', 500)
        for _, entry in ipairs(page) do
            local ids, words = {}, entry[2]
            for i = 4, words[1] == 'v' and words[2] == '1' and math.min(#words, 2 + 2 * REFS_MAX) or 0, 2 do
                ids[#ids + 1] = string.match(words[i], '^(%x+%-%x+%-%x+%-%x+%-%x+) ')
            end
            if #ids > 0 then
                redis.call('SADD', set, unpack(ids))
            end
            start = '(' .. entry[1]
        end
    until #page < 500
    return redis.call('SCARD', set)
end

local function publish(stream, set, limit, from, to)
    local room = limit - size_of(stream, set)
    if room <= 0 then
        return 0
    elseif from + 1 == to then -- the usual hint
        return add(stream, set, {ARGV[from]}, {'v', '1', 'r', ARGV[to]})
    end
    local added, ids, fields = 0, {}, {'v', '1'}
    for first = from, to, 2 * BLOCK do
        local asked = {}
        for i = first, math.min(first + 2 * BLOCK - 2, to - 1), 2 do
            asked[#asked + 1] = ARGV[i]
        end
        local known = redis.call('SMISMEMBER', set, unpack(asked))
        for i, id in ipairs(asked) do
            if known[i] == 0 and added + #ids < room then
                local n = #ids + 1
                ids[n], fields[2 * n + 1], fields[2 * n + 2] = id, 'r', ARGV[first + 2 * i - 1]
                if n == REFS_MAX then
                    added = added + add(stream, set, ids, fields)
                    ids, fields = {}, {'v', '1'}
                end
            end
        end
    end
    if #ids > 0 then
        added = added + add(stream, set, ids, fields)
    end
    return added
end

local result = {1}
for pair = acks + 1, acks + publishes do
    local limit, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    local to = at + 1 + 2 * count
    result[#result + 1] = publish(KEYS[2 * pair], KEYS[2 * pair + 1], limit, at + 2, to)
    at = to + 1
end
return result
