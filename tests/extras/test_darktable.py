"""The script for darktable under a real Lua interpreter, with real raws, a real shell and the real program."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from darkdiff_cli.raw import RAW_SUFFIXES
from tests.extras.conftest import SCRIPT, lua_string

MINGW = "x86_64-w64-mingw32-gcc"
NAMES = (
    "it's.dng",
    'a "b" c.dng',
    "$HOME `id` \\n.dng",
    "-o x.dng",
    "nächt 夜.dng",
    "a;b & c|d>e%f!*?.dng",
    "line\nend.dng",
)
SHOWN = """
for _, name in ipairs{"printed", "logged", "imported", "percents"} do
  for _, value in ipairs(dt.seen[name]) do io.write(name, " ", value, "\\0") end
end
"""


def started(run_lua, program: Path, raws: list[Path], before: str = "", after: str = "") -> dict[str, list[str]]:
    """Select raws, press the button, and give back what happened."""
    images = ", ".join(f"dt.database.import({lua_string(str(raw))})" for raw in raws)
    code = f"""
dt.preferences.write("darkdiff", "program", "string", {lua_string(str(program))})
dt.seen.selection = {{ {images} }}
dt.seen.imported = {{}}
local box = dt.seen.libs[1][6]
local ratio, guidance, strength, overwrite, button = box[2], box[4], box[5], box[6], box[7]
ratio.text = "150"
{before}
button.clicked_callback()
{SHOWN}
{after}
"""
    found: dict[str, list[str]] = {"printed": [], "logged": [], "imported": [], "percents": [], "said": []}
    for part in run_lua(code).split("\0")[:-1]:
        name, _, value = part.partition(" ")
        found[name].append(value)
    return found


@pytest.mark.skipif(shutil.which("luac5.4") is None, reason="no Lua compiler is installed")
def test_the_script_compiles() -> None:
    assert subprocess.run(["luac5.4", "-p", SCRIPT], capture_output=True, check=False).stderr == b""


def test_it_takes_what_the_program_takes(run_lua) -> None:
    found = run_lua('for suffix in pairs(script.suffixes) do print("." .. suffix) end').split()
    assert sorted(found) == sorted(RAW_SUFFIXES)


@pytest.mark.parametrize(
    "word", ["", "plain", *NAMES, "'", "''", "\\", "\x01\x7f", "\udcff.dng", "~", "-", "#a", "{a,b}"]
)
def test_a_shell_hands_every_word_on_as_it_is(word: str, run_lua) -> None:
    line = run_lua(f"io.write(script.quoted({lua_string(word)}, false))")
    command = os.fsencode(f"printf '%s\\0' {line}")
    assert subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout == os.fsencode(word) + b"\0"


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("C:\\a b\\IMG.ARW", '"C:\\a b\\IMG.ARW"'),
        ("C:\\a b\\", '"C:\\a b\\\\"'),
        ("100%PATH%^&", '"100%%PATH%%^&"'),
        ("nächt 夜", '"nächt 夜"'),
        ("", '""'),
    ],
)
def test_a_batch_file_of_windows_does_too(word: str, line: str, run_lua) -> None:
    assert run_lua(f"io.write(script.quoted({lua_string(word)}, true))") == line


@pytest.mark.skipif(
    shutil.which("wine") is None or shutil.which(MINGW) is None, reason="no Wine with a compiler for it"
)
def test_a_program_of_windows_gets_the_words_as_they_are(run_lua, tmp_path: Path) -> None:
    """Through cmd.exe and a batch file, as the script has it; names beyond ASCII are another code page in Wine."""
    (tmp_path / "args.c").write_text(
        '#include <stdio.h>\nint main(int n, char **words) { while (*++words) printf("%s\\n", *words); return 0; }'
    )
    program, out, batch = (tmp_path / name for name in ("say it.exe", "o ut.txt", "r un.bat"))
    subprocess.run([MINGW, tmp_path / "args.c", "-o", program], check=True)
    words = ["it's $HOME `id`", "100%PATH% %%", "C:\\a b\\", "a\\\\b", "e ^& f^", "!x!", "", "a(b)c;,=|<>@.ARW", "--"]
    quoted = [
        run_lua(f"io.write(script.quoted({lua_string(word)}, true))") for word in map(str, (program, *words, out))
    ]
    line = f"{' '.join(quoted[:-1])} >{quoted[-1]}"
    batch.write_bytes(f"@echo off\r\nchcp 65001 >nul\r\n{line}\r\n".encode())
    surroundings = os.environ | {"WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all"}
    subprocess.run(["wine", "cmd", "/c", f"Z:{batch}".replace("/", "\\")], env=surroundings, timeout=120, check=True)
    assert out.read_text().splitlines() == words


@pytest.mark.parametrize("text", ["C:\\uface\\u0041 \\\\", 'q"\n\t\x07', "夜 \U0001f303", "\udcff", ""])
def test_json_of_the_program_is_read(text: str, run_lua) -> None:
    one = {"file": text, "ratio": -1.5e-3, "notes": [text, "b"], "doubt": None, "none": []}
    value = json.dumps({"files": [one], "failed": []})
    out = run_lua(
        f"local one = script.decoded({lua_string(value)}).files[1]\n"
        "local values = {one.file, one.ratio, one.notes[1], one.notes[2], tostring(one.doubt), #one.none}\n"
        'io.write(table.concat(values, "\\0"))'
    )
    assert out.split("\0") == [text, "-0.0015", text, "b", "nil", "0"]


@pytest.mark.parametrize("text", ["", "[", '["a', "{1: 2}", "[1 2]", "nonsense", '{"a" 1}'])
def test_what_is_no_json_is_an_error(text: str, run_lua) -> None:
    assert run_lua(f"print(pcall(script.decoded, {lua_string(text)}))").startswith("false")


def test_raws_of_every_name_come_back_grouped_in_one_run(run_lua, program: Path, shoot, tmp_path: Path) -> None:
    folder = tmp_path / "night & day's"
    raws = [shoot(folder / name, 100.0, 0.1) for name in NAMES]
    before = """
local first = dt.seen.selection[1]
first.rating, first.red = 4, true
first.tags = { dt.tags.create("night|sky"), dt.tags.create("darktable|format|dng") }
dt.seen.selection[#dt.seen.selection + 1] = first -- a virtual copy: the same file
"""
    after = """
for index = 8, #dt.database do
  local photo, tags = dt.database[index], {}
  for _, tag in ipairs(photo.tags) do tags[#tags + 1] = tag.name end
  local values = {photo.leader.filename, photo.rating, tostring(photo.red), table.concat(tags, " ")}
  io.write("said ", table.concat(values, "|"), "\\0")
end
"""
    found = started(run_lua, program, raws, before, after)
    photos = [str(folder / f"{Path(name).stem}_darkdiff.dng") for name in NAMES]
    assert found["imported"] == photos
    assert found["printed"] == ["7 of 7 photos made"]
    assert (tmp_path / "runs").read_text().splitlines() == ["run"]
    assert found["said"] == [
        f"{name}|{4 if name == NAMES[0] else 0}|{'true' if name == NAMES[0] else 'nil'}|"
        + ("night|sky" if name == NAMES[0] else "")
        for name in NAMES
    ]
    shares = [float(share) for share in found["percents"]]
    assert shares == sorted(shares)  # by what the program says; the job may look before the last photo or after it
    assert [7 * share for share in shares] == pytest.approx([round(7 * share) for share in shares], abs=1e-9)
    assert (len(shares), shares[-1]) == (2, 1.0)


def test_each_failure_is_one_sentence_and_stops_nothing(run_lua, program: Path, shoot, tmp_path: Path) -> None:
    good, bad = shoot(tmp_path / "good.dng", 100.0, 0.1), tmp_path / "bad $1.dng"
    bad.write_bytes(good.read_bytes()[:3000])
    own = shoot(tmp_path / "x_darkdiff.dng", 100.0, 0.1)
    found = started(run_lua, program, [bad, own, good])
    assert found["printed"] == [
        f"{bad}: is truncated or damaged (Unexpected end of file); copy it again from the card.",
        "1 of 2 photos made",
    ]
    assert found["logged"] == [f"darkdiff: {sentence}" for sentence in found["printed"]]
    assert found["imported"] == [str(tmp_path / "good_darkdiff.dng")]
    again = started(run_lua, program, [good])
    assert len(again["printed"]) == 2
    assert again["printed"][0].startswith(f"{tmp_path / 'good_darkdiff.dng'}: ")
    replaced = started(run_lua, program, [good], "overwrite.value = true")
    assert replaced["printed"] == ["1 of 1 photos made"]


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ('ratio.text = "much"', "ratio must be auto or a number from 0 on, not 'much'"),
        ('guidance.text = "1..2"', "guidance must be model or a number from 0 on, not '1..2'"),
        ("dt.seen.selection = {}", "select one raw or more; darkdiff's own photos do not count"),
        ('guidance.text = "-1"', "guidance must be model or a number from 0 on, not '-1'"),
        ('ratio.text = "0"', "--ratio 0"),
        (
            'dt.preferences.write("darkdiff", "program", "string", "/no/such program")',
            "darkdiff did not run; set the path of the program in the preferences, under Lua options",
        ),
    ],
)
def test_what_cannot_work_is_said_once(before: str, sentence: str, run_lua, program: Path, shoot, tmp_path) -> None:
    raws = [shoot(tmp_path / name, 100.0, 0.1) for name in ("a.dng", "b.dng")]
    found = started(run_lua, program, raws, before)
    assert sentence in found["printed"][0]
    assert found["printed"][1:] in ([], ["0 of 2 photos made"])
    assert found["imported"] == []


def test_options_reach_the_program_and_the_shortcut_starts_it(run_lua, program: Path, shoot, tmp_path: Path) -> None:
    raw = shoot(tmp_path / "a.dng", 100.0, 0.1)
    before = """
ratio.text, guidance.text, strength.value = "auto", "1,25", 0.5
button = { clicked_callback = dt.seen.events[1][3] }
"""
    after = 'io.write("said ", dt.seen.executed[1], "\\0")'
    found = started(run_lua, program, [raw], before, after)
    words = found["said"][0].split(" 'enhance' ")[1].split(" >")[0]
    assert words == f"'--format' 'dng' '--json' '--guidance' '1.25' '--strength' '0.5' '--' '{raw}'"
    assert found["printed"] == ["1 of 1 photos made"]


def test_hundreds_of_photos_are_several_commands_of_a_length_that_a_shell_takes(
    run_lua, program, shoot, tmp_path
) -> None:
    folder = tmp_path / ("d" * 200) / ("e" * 200)
    first = shoot(folder / "first.dng", 100.0, 0.1)
    raws = [first]
    for number in range(300):
        raws.append(folder / f"{number}.dng")
        raws[-1].write_bytes(b"no raw")
    after = 'for _, line in ipairs(dt.seen.executed) do io.write("said ", #line, "\\0") end'
    found = started(run_lua, program, raws, "dt.seen.percents = {}", after)
    lengths = [int(length) for length in found["said"]]
    assert len(lengths) == 2
    assert max(lengths) < 131072
    assert found["printed"][-1] == "1 of 301 photos made"
