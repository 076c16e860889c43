-- check.lua: makes sets agree with their streams (protocol.txt §5).
--
-- KEYS N streams, then their N sets
-- Returns {ids taken out of sets, ids put into sets, entries claimed, entries pending}.
--
-- An id whose entry is gone (a tail cut off, entries deleted by hand) would count as waiting for ever; an entry whose id is gone
-- would be published once more. Of entries that were not handed out every id belongs into the set; of the others only those that
-- are not done, which the owner alone knows: there nothing is put in. Of an entry of a newer version every UUID in it counts as
-- one of its ids, and nothing is put in. What somebody else read in our group (XREADGROUP by hand) would stay with him: it is claimed
-- for the owner. Open to everybody: it changes nothing that is right.

local GROUP, CONSUMER = 'sync', 'owner' -- PROTO_GROUP, PROTO_CONSUMER
local PAGE = 50 -- entries: at most 128 ids each, and unpack has an end near 8,000

local taken, put, claimed, pending = 0, 0, 0, 0

-- The event ids of an entry.
local function ids_of(fields)
    local ids = {}
    if fields[1] == 'v' and fields[2] ~= '1' then
        for i = 3, math.min(#fields, 130) do
            ids[#ids + 1] = string.match(fields[i], '%x+%-%x+%-%x+%-%x+%-%x+')
        end
        return ids, true
    elseif fields[1] == 'v' and #fields <= 130 then -- 2 + 2 * PROTO_REFS_MAX
        for i = 4, #fields, 2 do
            ids[#ids + 1] = string.match(fields[i], '^(%x+%-%x+%-%x+%-%x+%-%x+) ')
        end
    end
    return ids
end

local function last_handed_out(stream)
    local groups = redis.pcall('XINFO', 'GROUPS', stream)
    for _, group in ipairs(groups.err and {} or groups) do
        local is = {}
        for i = 1, #group, 2 do
            is[group[i]] = group[i + 1]
        end
        if is.name == GROUP then
            return is['last-delivered-id']
        end
    end
    return '0-0'
end

-- Calls visit(ids, newer) for the entries in between: the ids of those of our version, then of newer ones.
local function each_page(stream, from, to, visit)
    local page
    repeat
        page = redis.call('XRANGE', stream, from, to, 'COUNT', PAGE)
        local ours, newer = {}, {}
        for _, entry in ipairs(page) do
            local ids, is_newer = ids_of(entry[2])
            local list = is_newer and newer or ours
            for _, id in ipairs(ids) do
                list[#list + 1] = id
            end
            from = '(' .. entry[1]
        end
        visit(ours, false)
        visit(newer, true)
    until #page < PAGE
end

local function claim(stream)
    local summary = redis.pcall('XPENDING', stream, GROUP)
    if summary.err or summary[1] == 0 then
        return
    end
    pending = pending + summary[1]
    for _, consumer in ipairs(summary[4]) do
        if consumer[1] ~= CONSUMER then
            local from = '-'
            repeat
                local page = redis.call('XPENDING', stream, GROUP, from, '+', PAGE, consumer[1])
                for _, entry in ipairs(page) do
                    redis.call('XCLAIM', stream, GROUP, CONSUMER, '0', entry[1], 'RETRYCOUNT', entry[4], 'JUSTID')
                    from = '(' .. entry[1]
                end
                claimed = claimed + #page
            until #page < PAGE
            redis.call('XGROUP', 'DELCONSUMER', stream, GROUP, consumer[1])
        end
    end
end

local function check(stream, set)
    local size, length = redis.call('SCARD', set), redis.call('XLEN', stream)
    if length == 0 then
        taken = taken + size
        if size > 0 then
            redis.call('DEL', set)
        end
        return
    end
    claim(stream)
    local last, present, there = last_handed_out(stream), 0, {}
    local function note(ids, whole)
        local known = #ids > 0 and redis.call('SMISMEMBER', set, unpack(ids))
        local lacking = {}
        for i, id in ipairs(ids) do
            if not there[id] then
                there[id] = true
                present = present + known[i]
                if known[i] == 0 and whole then
                    lacking[#lacking + 1] = id
                end
            end
        end
        if #lacking > 0 then
            put = put + redis.call('SADD', set, unpack(lacking))
        end
    end
    each_page(stream, '-', last, function(ids) note(ids, false) end)
    each_page(stream, '(' .. last, '+', function(ids, newer) note(ids, not newer) end)
    if present == size then
        return
    end
    for _, id in ipairs(redis.call('SMEMBERS', set)) do
        if not there[id] then
            taken = taken + redis.call('SREM', set, id)
        end
    end
end

local streams = #KEYS / 2
for i = 1, streams do
    check(KEYS[i], KEYS[streams + i])
end
return {taken, put, claimed, pending}
