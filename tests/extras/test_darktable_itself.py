"""The script in darktable itself, where that and a virtual screen are installed: module, import and groups are real."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.extras.conftest import SCRIPT, lua_string

MISSING = [name for name in ("darktable", "xvfb-run") if shutil.which(name) is None]
DRIVER = """
local dt = require "darktable"
local file = io.open({report}, "w")
local function say(...) file:write(table.concat({{...}}, " "), "\\n") end
local done, trouble = pcall(function()
  local script = dofile({script})
  say("module", tostring(dt.gui.libs["darkdiff"].id), tostring(dt.gui.libs["darkdiff"].expandable))
  dt.preferences.write("darkdiff", "program", "string", {program})
  local good, bad = dt.database.import({good}), dt.database.import({bad})
  good.rating, good.green = 3, true
  dt.tags.attach(dt.tags.create("night|sky"), good)
  dt.gui.selection({{ good, bad }})
  script.enhance(dt.gui.selection(), {{ ratio = "150", guidance = "model", strength = 1.0, overwrite = false }})
  for _, photo in ipairs(dt.database) do
    local tags = {{}}
    for _, tag in ipairs(dt.tags.get_tags(photo)) do
      if not tag.name:find("^darktable") then tags[#tags + 1] = tag.name end
    end
    say(photo.filename, photo.group_leader.filename, photo.rating, tostring(photo.green), table.concat(tags, ","))
  end
end)
say("end", tostring(done), tostring(trouble))
file:close()
"""


@pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} not installed")
@pytest.mark.slow
def test_darktable_runs_the_script_and_groups_the_photo(program: Path, shoot, tmp_path: Path) -> None:
    good, bad, report = shoot(tmp_path / "it's $1.dng", 100.0, 0.1), tmp_path / "bad.dng", tmp_path / "report"
    bad.write_bytes(good.read_bytes()[:3000])
    names = {"report": report, "script": SCRIPT, "program": program, "good": good, "bad": bad}
    (tmp_path / "driver.lua").write_text(DRIVER.format(**{key: lua_string(str(path)) for key, path in names.items()}))
    command = [
        *("xvfb-run", "-a", "darktable", "--configdir", tmp_path / "config", "--cachedir", tmp_path / "cache"),
        *("--library", ":memory:", "--disable-opencl", "-d", "lua"),
        *("--luacmd", f"dofile({lua_string(str(tmp_path / 'driver.lua'))})"),
    ]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            deadline = time.monotonic() + 240
            while not (report.exists() and "\nend " in report.read_text()):
                assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.2)
        finally:  # darktable has no other end without somebody at its window
            os.killpg(process.pid, signal.SIGTERM)
            time.sleep(2)  # for the screen to remove its lock
            os.killpg(process.pid, signal.SIGKILL)
    assert report.read_text().splitlines() == [
        "module darkdiff true",
        "it's $1.dng it's $1.dng 3 true night|sky",
        "bad.dng bad.dng 1 false ",
        "it's $1_darkdiff.dng it's $1.dng 3 true night|sky",
        "end true nil",
    ]
    assert f"darkdiff: {bad}: is truncated or damaged" in (tmp_path / "log").read_text(errors="replace")
