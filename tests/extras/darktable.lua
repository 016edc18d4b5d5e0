--[[
The part of darktable's Lua API that extras/darktable/darkdiff.lua uses, for a plain Lua interpreter: commands and files
are real, windows and the library are tables. What happens is written down in `seen`.
]]

local seen = { printed = {}, logged = {}, executed = {}, imported = {}, percents = {}, libs = {}, events = {} }
local tags, preferences, waiting = {}, {}, {}

local function shown(kind)
  return function(settings)
    settings.kind = kind
    return settings
  end
end

local function image(path)
  local folder, name = path:match("^(.*)/([^/]*)$")
  local new = { path = folder, filename = name, rating = 0, tags = {} }
  function new.group_with(one, other) one.leader = other end
  function new.drop_cache(one) one.dropped = true end
  return new
end

local database = {}
function database.import(path)
  assert(io.open(path, "rb"), path .. " is not there"):close()
  for _, known in ipairs(database) do
    if known.path .. "/" .. known.filename == path then return known end
  end
  database[#database + 1] = image(path)
  seen.imported[#seen.imported + 1] = path
  return database[#database]
end

local function advance()
  for _, thread in ipairs(waiting) do
    if coroutine.status(thread) ~= "dead" then assert(coroutine.resume(thread)) end
  end
end

local job = {}
setmetatable(job, { __newindex = function(_, name, value)
  if name == "percent" then seen.percents[#seen.percents + 1] = value else rawset(job, name, value) end
end })

return {
  seen = seen,
  configuration = { running_os = "linux", tmp_dir = "/tmp" },
  preferences = {
    register = function(script, name, _, _, _, default) preferences[script .. name] = default end,
    read = function(script, name) return preferences[script .. name] end,
    write = function(script, name, _, value) preferences[script .. name] = value end,
  },
  print = function(text) seen.printed[#seen.printed + 1] = text end,
  print_log = function(text) seen.logged[#seen.logged + 1] = text end,
  new_widget = shown,
  register_lib = function(...) seen.libs[#seen.libs + 1] = { ... } end,
  register_event = function(...) seen.events[#seen.events + 1] = { ... } end,
  database = database,
  tags = {
    get_tags = function(one) return one.tags end,
    attach = function(tag, one) one.tags[#one.tags + 1] = tag end,
    create = function(name)
      tags[name] = tags[name] or { name = name }
      return tags[name]
    end,
  },
  control = {
    execute = function(command)
      advance()
      seen.executed[#seen.executed + 1] = command
      local _, _, code = os.execute(command)
      advance()
      return code
    end,
    sleep = function() coroutine.yield() end,
    dispatch = function(work) waiting[#waiting + 1] = coroutine.create(work) end,
  },
  gui = {
    views = { lighttable = "lighttable" },
    create_job = function(text)
      seen.job = text
      return job
    end,
    selection = function() return seen.selection end,
  },
}
