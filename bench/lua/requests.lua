-- Sends the requests of a file in turn: wrk ... --script requests.lua URL -- FILE
-- Each request in the file ends with a zero byte.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "result.lua")

local requests = {}
local at = 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local all = file:read("*a")
  file:close()
  for one in all:gmatch("[^%z]+") do requests[#requests + 1] = one end
  at = math.random(#requests) - 1
end

function request()
  at = at % #requests + 1
  return requests[at]
end
