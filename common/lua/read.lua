-- read.lua: the owner's fenced read of a partition's streams (protocol.txt §5).
--
-- KEYS owner, N streams, their N sets
-- ARGV fence, mark, from, then N counts. from: '>' for new entries; an entry id: what the last owner left pending after it, each
--      handed out once more; '~' and an id: what this owner itself was given, again
-- Returns {1, repaired, {entries of stream 1, ...}, {size of set 1, ...}}; an entry is {id, {fields}}, a pending one
-- {id, {fields}, times handed out}. {0} when the owner key is absent, {-1, its fence} and {-2} when fence or mark differ.
--
-- What people or a lost disk took away is put right here: a missing group is made anew at 0, so that everything still in the
-- stream is read again; a set is made to agree with its stream, or ids without an entry would count as waiting for ever.

local GROUP, CONSUMER = 'sync', 'owner' -- PROTO_GROUP, PROTO_CONSUMER
local COUNT_MAX = 5000 -- entries of one stream: unpack has an end near 8,000
local PAGE = 500
local ALONE = 3 -- STAGE_HANDOUTS_ALONE
local TOGETHER = 64 -- references handed out once more on one page: whoever ends on one makes suspects of all

local owner = redis.call('HMGET', KEYS[1], 'fence', 'mark')
if not owner[1] then
    return {0}
elseif owner[1] ~= ARGV[1] then
    return {-1, tonumber(owner[1])}
elseif owner[2] ~= ARGV[2] then
    return {-2}
end

local from, again = string.gsub(ARGV[3], '^~', '')
again = again > 0
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

-- Entries are claimed one by one: that counts each as handed out once more, but only what really leaves now: from the third
-- time on an entry comes alone, so that one bad entry cannot count up its neighbours when its owner ends on it. What was
-- trimmed while pending has no fields any more: it is let go, and the page after it is read, because an empty one means the end.
local function claim(stream, id, times)
    local command = {'XCLAIM', stream, GROUP, CONSUMER, '0', id}
    if again then
        command[7], command[8] = 'RETRYCOUNT', times
    end
    local claimed = redis.call(unpack(command))[1]
    return claimed and claimed[2] and {id, claimed[2], again and times or times + 1}
end

local function pending_page(stream, set, count, after)
    local command = {'XPENDING', stream, GROUP, after == '0' and '-' or '(' .. after, '+', count, CONSUMER}
    local page = redis.pcall(unpack(command))
    if page.err then
        read(stream, set, 1, '0') -- makes the group, or raises the error
        return {}
    end
    return page
end

local function read_pending(stream, set, count)
    local after, alive, gone, refs, page = from, {}, {}, 0, nil
    repeat
        page = pending_page(stream, set, count, after)
        for _, pending in ipairs(page) do
            local id, times = pending[1], pending[4]
            local alone = not again and times + 1 >= ALONE
            if #alive > 0 and (alone or refs >= TOGETHER) then
                break
            end
            local entry = claim(stream, id, times)
            if entry then
                alive[#alive + 1] = entry
                refs = refs + (again and 0 or #ids_of(entry[2]))
            else
                gone[#gone + 1] = id
            end
            after = id
            if alone and entry then
                break
            end
        end
    until #page == 0 or #alive > 0
    if #gone > 0 then
        redis.call('XACK', stream, GROUP, unpack(gone))
        agree(stream, set)
    end
    return alive
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
