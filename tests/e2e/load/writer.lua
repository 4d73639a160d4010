-- Writers for sysbench: transfers between purses, children that come and go with their parent's count.
-- Of every transaction its end and its length, in microseconds, go to LOG.THREAD.
local ffi = require("ffi")
ffi.cdef [[
struct rehearse_time { long s; long ns; };
int clock_gettime(int clock, struct rehearse_time *at);
]]
sysbench.cmdline.options = { log = { "where the lengths are written", "lengths" } }

local at = ffi.new("struct rehearse_time")
local function now_us()
    ffi.C.clock_gettime(0, at)
    return tonumber(at.s) * 1000000 + math.floor(tonumber(at.ns) / 1000)
end

function thread_init()
    con = sysbench.sql.driver():connect()
    file = io.open(sysbench.opt.log .. "." .. sysbench.tid, "w")
    file:setvbuf("line")
end

function thread_done()
    file:close()
    con:disconnect()
end

local function transfer()
    local amount = math.random(100)
    -- In one order, so that two transfers cannot wait for each other.
    local from, to = math.random(20000), math.random(20000)
    local first, second, sign = from, to, -1
    if to < from then
        first, second, sign = to, from, 1
    end
    con:query("UPDATE purses SET balance = balance + " .. sign * amount .. " WHERE id = " .. first)
    con:query("UPDATE purses SET balance = balance - " .. sign * amount .. " WHERE id = " .. second)
    con:query("INSERT INTO moves (amount) VALUES (" .. amount .. ")")
    con:query("UPDATE moved SET n = n + 1, sum = sum + " .. amount)
end

local function family()
    local parent = math.random(500)
    con:query("SELECT id FROM parents WHERE id = " .. parent .. " FOR UPDATE")
    for _ = 1, math.random(0, 4) do
        con:query("INSERT INTO children (parent) VALUES (" .. parent .. ")")
    end
    con:query("DELETE FROM children WHERE parent = " .. parent .. " LIMIT " .. math.random(0, 3))
    con:query("UPDATE parents SET children = (SELECT count(*) FROM children WHERE parent = " .. parent .. ") WHERE id = " .. parent)
end

function event()
    local began = now_us()
    con:query("BEGIN")
    if math.random(2) == 1 then
        transfer()
    else
        family()
    end
    con:query("COMMIT")
    local ended = now_us()
    file:write(ended, " ", ended - began, "\n")
end

function sysbench.hooks.sql_error_ignorable(e)
    return e.sql_errno == 1213 or e.sql_errno == 1205
end
