--[[
darkdiff for darktable (4.2 and later): enhance the selected raws of the lighttable.

Each raw becomes a linear DNG beside it, which is imported, grouped with the raw, and gets its stars, colour labels and
tags. The program `darkdiff` does the work; its path is in darktable's preferences, under "Lua options".
]]

local dt = require "darktable"

local RAW = {} -- the suffixes that darkdiff takes for raws
for suffix in ([[3fr ari arw cr2 cr3 crw dcr dng erf fff iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2
  srf srw x3f]]):gmatch("%S+") do
  RAW[suffix] = true
end
local OWN = "_darkdiff.dng" -- how darkdiff's own results end
local LABELS = { "red", "yellow", "green", "blue", "purple" }
local WINDOWS = dt.configuration.running_os == "windows"
local LONGEST = WINDOWS and 7000 or 100000 -- bytes of a command: cmd.exe takes 8191, a shell of Linux 131072
local POLL = 500 -- milliseconds between two looks at the progress

--- A word that the shell hands on to the program as it is.
-- @param word     any text without a zero byte; on Windows without a line end or a quotation mark, which no name has
-- @param windows  for a batch file of Windows and Microsoft's rules of arguments; else for a POSIX shell
local function quoted(word, windows)
  if not windows then
    return "'" .. word:gsub("'", "'\\''") .. "'"
  end
  word = word:gsub("(\\*)$", "%1%1", 1) -- backslashes count only before the closing quotation mark
  return '"' .. word:gsub("%%", "%%%%") .. '"'
end

--- The string of a JSON text that begins at a place, and the place after it. Raises an error where it has no end.
local function decoded_string(text, at)
  local escapes, parts = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }, {}
  while true do
    local plain, mark = text:match('^([^"\\]*)(["\\])', at)
    assert(mark, "a string without an end")
    parts[#parts + 1], at = plain, at + #plain + 1
    if mark == '"' then return table.concat(parts), at end
    local high, low = text:match("^u([dD][89aAbB]%x%x)\\u([dD][c-fC-F]%x%x)", at)
    local code = tonumber(text:match("^u(%x%x%x%x)", at) or "", 16)
    if high then
      parts[#parts + 1] = utf8.char(0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00)
    elseif code and code >= 0xDC80 and code <= 0xDCFF then -- Python's sign for a byte that is no UTF-8
      parts[#parts + 1] = string.char(code - 0xDC00)
    elseif code then
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = escapes[text:sub(at, at)] or text:sub(at, at)
    end
    at = at + (high and 11 or code and 5 or 1)
  end
end

--- The value of a JSON text: arrays and objects are tables, null is nil. Raises an error on what is no JSON.
local function decoded(text)
  local at, value = 1, nil
  local function take(pattern)
    local from, to, found = text:find("^%s*(" .. pattern .. ")", at)
    at = from and to + 1 or at
    return found
  end
  local function many(close, read_one)
    local found = {}
    if take(close) then return found end
    repeat read_one(found) until not take(",")
    assert(take(close), "an array or object without an end")
    return found
  end
  local function string_here()
    local found
    found, at = decoded_string(text, at)
    return found
  end
  function value()
    if take("%[") then return many("%]", function(found) found[#found + 1] = value() end) end
    if take("{") then
      return many("}", function(found)
        assert(take('"'), "a key that is no string")
        local key = string_here()
        assert(take(":"), "a key without a value")
        found[key] = value()
      end)
    end
    if take('"') then return string_here() end
    local word = assert(take("[-+.%w]+"), "no JSON")
    if word == "null" then return nil end
    if word == "true" or word == "false" then return word == "true" end
    return assert(tonumber(word), "no JSON")
  end
  return value()
end

--- Tell the user one sentence, and keep it in the log.
local function tell(sentence)
  dt.print(sentence)
  dt.print_log("darkdiff: " .. sentence)
end

local function read_all(name)
  local file = io.open(name, "rb")
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text
end

--- The name of a new file for what the program writes.
local function temporary(number)
  if not WINDOWS then return os.tmpname() end -- it is made at once, so that nobody else can make it
  return ("%s\\darkdiff_%d_%d.txt"):format(dt.configuration.tmp_dir, os.time(), number)
end

local function path_of(image)
  return image.path .. (WINDOWS and "\\" or "/") .. image.filename
end

--- The paths of the raws among some images, each once, and the images by path.
local function raws_among(images)
  local paths, by_path = {}, {}
  for _, image in ipairs(images) do
    local path, suffix = path_of(image), image.filename:match("%.(%w+)$")
    if suffix and RAW[suffix:lower()] and image.filename:sub(-#OWN) ~= OWN and not by_path[path] then
      paths[#paths + 1], by_path[path] = path, image
    end
  end
  return paths, by_path
end

--- The options of the program, as words; nil and a sentence where one is no number.
local function words_of(options)
  local words = { "enhance", "--format", "dng", "--json" }
  for _, option in ipairs { { "ratio", "auto" }, { "guidance", "model" }, { "strength" } } do
    local name, default = option[1], option[2]
    local text = tostring(options[name]):gsub("%s", ""):gsub(",", ".") -- some languages write 0,5
    if text ~= default then
      if not tonumber(text) or tonumber(text) < 0 then
        return nil, ("%s must be %s or a number from 0 on, not '%s'"):format(name, default, text)
      end
      words[#words + 1], words[#words + 2] = "--" .. name, text
    end
  end
  if options.overwrite then words[#words + 1] = "--overwrite" end
  words[#words + 1] = "--" -- what follows is a file, whatever it is called
  return words
end

--- Some paths in as few commands as their length allows: one, but for hundreds of photos.
local function commands_of(words, paths)
  local start = {}
  for _, word in ipairs { dt.preferences.read("darkdiff", "program", "string"), table.unpack(words) } do
    start[#start + 1] = quoted(word, WINDOWS)
  end
  local commands, head = {}, table.concat(start, " ")
  for _, path in ipairs(paths) do
    local last, word = commands[#commands], " " .. quoted(path, WINDOWS)
    if not last or #last.text + #word > LONGEST then
      last = { text = head, paths = {} }
      commands[#commands + 1] = last
    end
    last.text, last.paths[#last.paths + 1] = last.text .. word, path
  end
  return commands
end

--- What the program said of a file, as one sentence; nil where it said nothing.
local function said_of(said, path)
  local _, from = ("\n" .. said):find("\ndarkdiff: " .. path .. ": ", 1, true)
  return from and said:sub(from):match("^[^\r\n]+")
end

--- How many of some files the program has done or given up.
local function settled(said, paths)
  local count = 0
  for _, path in ipairs(paths) do
    local name = path:match("[^/\\]+$")
    if said_of(said, path) or ("\n" .. said):find("\n" .. name .. ": ", 1, true) then count = count + 1 end
  end
  return count
end

--- Run a command, and show how far it is. Returns the results by path, and all that the program said.
local function run(command, job, before, total)
  local out, said = temporary(1), temporary(2)
  local line = ("%s >%s 2>%s"):format(command.text, quoted(out, WINDOWS), quoted(said, WINDOWS))
  local ended, batch = false, WINDOWS and temporary(3):gsub("txt$", "bat") or nil
  if batch then -- the only way to hand a name in UTF-8 to a program of Windows
    local file = assert(io.open(batch, "wb"))
    file:write("@echo off\r\nchcp 65001 >nul\r\n", line, "\r\n")
    file:close()
    line = quoted(batch, true)
  end
  dt.control.dispatch(function() -- `execute` holds this thread up, and lets the others run
    while not ended do
      dt.control.sleep(POLL)
      if not ended then job.percent = (before + settled(read_all(said), command.paths)) / total end
    end
  end)
  dt.control.execute(line)
  ended = true
  local readable, results = pcall(decoded, read_all(out))
  local by_path, messages = {}, read_all(said)
  for _, result in ipairs(readable and results.files or {}) do by_path[result.file] = result end
  for _, name in pairs { out, said, batch } do os.remove(name) end
  return by_path, messages
end

--- Import a photo and group it with its raw; one that is new to the library gets the raw's stars, labels and tags.
local function take_in(output, raw)
  local known = #dt.database
  local photo = dt.database.import(output)
  photo:group_with(raw)
  if #dt.database == known then
    photo:drop_cache() -- it was made again
    return
  end
  photo.rating = raw.rating
  for _, label in ipairs(LABELS) do photo[label] = raw[label] end
  for _, tag in ipairs(dt.tags.get_tags(raw)) do
    if not tag.name:find("^darktable|") then dt.tags.attach(tag, photo) end -- those are darktable's own
  end
end

--- What to tell of a file that did not become a photo.
-- @param any  whether other files did; if none did, what is wrong may concern all of them
local function reason(path, said, any)
  local sentence = said_of(said, path)
  if sentence then return path .. ": " .. sentence end
  if any then return path .. ": did not become a photo, and darkdiff does not say why" end
  sentence = ("\n" .. said):match("\ndarkdiff: ([^\r\n]+)")
  if not sentence then dt.print_log(said) end
  return sentence or "darkdiff did not run; set the path of the program in the preferences, under Lua options"
end

--- Enhance the raws among some images of the library, and take the photos in.
-- @param images   of darktable's library
-- @param options  ratio ("auto" or a number), guidance ("model" or a number), strength (0 to 1), overwrite
local function enhance(images, options)
  local paths, by_path = raws_among(images)
  if #paths == 0 then return tell("select one raw or more; darkdiff's own photos do not count") end
  local words, wrong = words_of(options)
  if not words then return tell(wrong) end
  local job, made, failures = dt.gui.create_job(("darkdiff: %d photos"):format(#paths), true), 0, {}
  local before = 0
  for _, command in ipairs(commands_of(words, paths)) do
    local results, said = run(command, job, before, #paths)
    for _, path in ipairs(command.paths) do
      local result = results[path]
      local sentence = not result and reason(path, said, next(results) ~= nil) or nil
      if result then
        local fine, trouble = pcall(take_in, result.output, by_path[path])
        made = fine and made + 1 or made
        sentence = not fine and ("%s: cannot be imported (%s)"):format(result.output, trouble) or nil
        for _, note in ipairs(result.notes) do tell(("%s: %s"):format(path, note)) end
      end
      if sentence and not failures[sentence] then
        failures[sentence] = true
        tell(sentence)
      end
    end
    before = before + #command.paths
    job.percent = before / #paths
  end
  job.valid = false
  tell(("%d of %d photos made"):format(made, #paths))
end

dt.preferences.register("darkdiff", "program", "string", "darkdiff: the program",
  "Name or path of the program darkdiff, such as /home/me/darkdiff/.venv/bin/darkdiff", "darkdiff")

local function entry(default, tooltip)
  return dt.new_widget("entry") { text = default, tooltip = tooltip, editable = true }
end

local ratio = entry("auto", "Amplification ratio: auto, or how many times too dark the raw is")
local guidance = entry("model", "Guidance scale: model, or a number; higher follows the raw more closely")
local strength = dt.new_widget("slider") {
  label = "strength", tooltip = "How much of the noise goes: 1 all of it, 0 none",
  hard_min = 0, hard_max = 1, soft_min = 0, soft_max = 1, step = 0.05, digits = 2, value = 1,
}
local overwrite = dt.new_widget("check_button") {
  label = "make again", tooltip = "Replace the DNG where there is one already", value = false,
}

--- Enhance what is selected, with the options of the module.
local function start()
  enhance(dt.gui.selection(), {
    ratio = ratio.text, guidance = guidance.text, strength = strength.value, overwrite = overwrite.value,
  })
end

local function label(text) return dt.new_widget("label") { label = text, halign = "start" } end

local module = dt.new_widget("box") {
  orientation = "vertical",
  label("amplification ratio"), ratio, label("guidance scale"), guidance, strength, overwrite,
  dt.new_widget("button") { label = "enhance", tooltip = "Make a DNG of each selected raw", clicked_callback = start },
}
dt.register_lib("darkdiff", "darkdiff", true, false,
  { [dt.gui.views.lighttable] = { "DT_UI_CONTAINER_PANEL_RIGHT_CENTER", 100 } }, module)
dt.register_event("darkdiff", "shortcut", start, "enhance the selected raws with darkdiff")

return { enhance = enhance, quoted = quoted, decoded = decoded, suffixes = RAW }
