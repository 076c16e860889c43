-- read.lua: the owner's fenced read of a partition's streams (protocol.txt §5).
--
-- KEYS owner, N streams, their N sets
-- ARGV fence, mark, from, then N counts. from: '>' for new entries, else an entry id: own pending ones after it
-- Returns {1, repaired, {entries of stream 1, ...}, {size of set 1, ...}}; an entry is {id, {fields}}, a pending one
-- {id, {fields}, times handed out}. {0} when the owner key is absent, {-1, its fence} and {-2} when fence or mark differ.
--
-- What people or a lost disk took away is put right here: a missing group is made anew at 0, so that everything still in the
-- stream is read again; a set is made to agree with its stream, or ids without an entry would count as waiting for ever.

local GROUP, CONSUMER = 'sync', 'owner' -- PROTO_GROUP, PROTO_CONSUMER
local COUNT_MAX = 5000 -- entries of one stream: unpack has an end near 8,000
local PAGE = 500

local owner = redis.call('HMGET', KEYS[1], 'fence', 'mark')
if not owner[1] then
    return {0}
elseif owner[1] ~= ARGV[1] then
    return {-1, tonumber(owner[1])}
elseif owner[2] ~= ARGV[2] then
    return {-2}
end

local from = ARGV[3]
local streams = (#KEYS - 1) / 2
local repaired = 0

-- The event ids of an entry of this version; none of another one's or of poison.
local function ids_of(fields)
    local ids = {}
    if fields[1] == 'v' and fields[2] == '1' and #fields <= 130 then -- 2 + 2 * PROTO_REFS_MAX
        for i = 4, #fields, 2 do
            ids[#ids + 1] = string.match(fields[i], '^(%x+%-%x+%-%x+%-%x+%-%x+) ')
        end
    end
    return ids
end

-- Makes the set anew from what is in the stream.
local function agree(stream, set)
    redis.call('DEL', set)
    repaired = 1
    local start, page = '-', nil
    repeat
        page = redis.call('XRANGE', stream, start, '+', 'COUNT', PAGE)
        for _, entry in ipairs(page) do
            local ids = ids_of(entry[2])
            if #ids > 0 then
                redis.call('SADD', set, unpack(ids))
            end
            start = '(' .. entry[1]
        end
    until #page < PAGE
end

local function read(stream, set, count, after)
    local command = {'XREADGROUP', 'GROUP', GROUP, CONSUMER, 'COUNT', count, 'STREAMS', stream, after}
    local reply = redis.pcall(unpack(command))
    if reply and reply.err then
        if string.find(reply.err, 'NOGROUP', 1, true) then
            redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
            agree(stream, set)
        end
        reply = redis.call(unpack(command)) -- any other error is raised by this one
    end
    return reply and reply[1][2] or {}
end

-- Adds to each entry how often it was handed out, this time included.
local function with_counts(stream, entries)
    local counts = {}
    local range = redis.call('XPENDING', stream, GROUP, entries[1][1], entries[#entries][1], #entries, CONSUMER)
    for _, pending in ipairs(range) do
        counts[pending[1]] = pending[4]
    end
    for _, entry in ipairs(entries) do
        entry[3] = counts[entry[1]] or 1
    end
    return entries
end

-- Entries that were trimmed while pending come without fields: they are let go, and the page after them is read, because an
-- empty answer means the end.
local function read_pending(stream, set, count)
    local after, alive, lost = from, {}, false
    repeat
        local page, gone = read(stream, set, count, after), {}
        for _, entry in ipairs(page) do
            local list = entry[2] and alive or gone
            list[#list + 1] = entry[2] and entry or entry[1]
            after = entry[1]
        end
        if #gone > 0 then
            redis.call('XACK', stream, GROUP, unpack(gone))
            lost = true
        end
    until #page == 0 or #alive > 0
    if lost then
        agree(stream, set)
    end
    return #alive > 0 and with_counts(stream, alive) or alive
end

local entries, sizes = {}, {}
for i = 1, streams do
    local stream, set = KEYS[1 + i], KEYS[1 + streams + i]
    local count = math.min(tonumber(ARGV[3 + i]), COUNT_MAX)
    if count <= 0 then
        entries[i] = {}
    elseif from == '>' then
        entries[i] = read(stream, set, count, from)
    else
        entries[i] = read_pending(stream, set, count)
    end
    sizes[i] = redis.call('SCARD', set)
    if count > 0 and sizes[i] > 0 and #entries[i] == 0 and redis.call('XLEN', stream) == 0 then
        agree(stream, set) -- the stream was emptied by hand
        sizes[i] = 0
    end
end
return {1, repaired, entries, sizes}
