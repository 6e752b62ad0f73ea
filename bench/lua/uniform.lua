-- Asks for one image after the other, each as likely as any: wrk ... --script uniform.lua URL -- IDS HOST
-- IDS is a file with one id a line, all of the same length.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "result.lua")

local ids, width, count, after

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  ids = file:read("*a")
  file:close()
  width = ids:find("\n", 1, true)
  count = math.floor(#ids / width)
  after = "/metadata HTTP/1.1\r\nHost: " .. arguments[2] .. "\r\n\r\n"
  math.randomseed(os.time())
end

function request()
  local start = math.random(0, count - 1) * width
  return "GET /images/" .. ids:sub(start + 1, start + width - 1) .. after
end
