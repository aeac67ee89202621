#!/usr/bin/env python3
"""The house rules as a test: what CONTRIBUTING.md bans is looked for in every file, and each finding names file and line.

usage: tidy.py [--headers-alone BUILD_DIR]
The text rules read the tree and take well under a second. --headers-alone instead compiles each header by itself with the
compiler and flags of a configured build, which takes minutes and belongs to `scripts/check --full`.
"""
import json
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["base", "messages", "config", "telemetry", "core", "encoder", "packaging", "store", "transfer", "trust", "processes", "actors", "http",
           "nodes", "ctl", "rig", "bench", "test"]
MAX_COLUMNS = 120  # of C++, except for lines with a text: a text that is searched for is not broken
MAX_LINES = 450
MAX_LINES_TEST = 600  # a test is a list of cases, and a list reads well for longer

# What a folder may include of ours, besides itself: the one place where the arrows are written down.
# docs/architecture.md shows the same table, and is compared with it. "encoder/*" is encoder/ and all of its folders.
# "plain" is every header of messages/ that does not reach CAF. config/defaults.hpp and config/waits.hpp hold nothing
# but numbers and are open to all but base/ and encoder/, which stand alone. Live and file jobs never include each
# other, in any folder: what both need is in a `common`, or in a folder above them.
ARROWS = {
    "base": set(),
    "messages": set(),
    "config": {"plain", "base", "core/*"},
    "telemetry": {"plain", "base"},
    "core": {"plain", "base"},
    "core/placement": {"plain", "core"},
    "core/cluster": {"plain", "core", "core/placement"},
    "core/live": {"plain", "core", "base"},
    "core/jobs": {"plain", "core", "base"},
    "core/library": {"plain", "core", "base"},
    "core/trust": {"base"},
    "encoder": {"base"},
    "encoder/source": {"base", "core/trust", "encoder"},
    "encoder/codec": {"base", "encoder"},
    "encoder/window": {"base", "encoder", "encoder/source", "encoder/codec"},
    "encoder/chunks": {"base", "encoder", "encoder/source", "encoder/codec", "encoder/window"},
    "packaging": {"plain", "base", "core/live", "encoder"},
    "store": {"plain", "base"},
    "transfer": {"base"},
    "trust": {"base", "core/trust", "store"},
    "processes": {"plain", "base", "telemetry"},
    "actors/common": {"messages", "encoder/*", "packaging"},
    "actors/cluster": {"messages", "base", "config", "telemetry", "core", "core/cluster", "core/placement", "core/trust", "processes", "actors/common"},
    "actors/live": {"messages", "base", "telemetry", "core", "core/live", "encoder/*", "packaging", "actors/common"},
    "actors/jobs": {"messages", "base", "telemetry", "core", "core/jobs", "encoder/*", "packaging", "store", "transfer", "actors/common"},
    "actors/library": {"messages", "base", "core/library"},
    "actors": {"messages", "base", "config", "telemetry", "core/*", "encoder/codec", "packaging", "actors/*"},
    "http": {"messages", "base", "config", "telemetry", "core/jobs", "core/trust", "encoder", "packaging", "transfer", "trust", "actors", "actors/jobs"},
    "nodes": {"messages", "base", "config", "telemetry", "core/*", "encoder/*", "store", "transfer", "trust", "processes", "actors/*", "http"},
    "ctl": {"base", "config", "transfer"},
    "rig": {"base", "encoder"},
    "bench": {"messages", "base", "config", "telemetry", "core/*", "encoder/*", "packaging", "processes", "actors/*", "http", "rig"},
    "test": {"*"},
}
# These folders know no CAF at all, whatever the detour, nor do the folders in them.
WITHOUT_CAF = {"base", "config", "telemetry", "core", "encoder", "packaging", "store", "transfer", "trust", "processes", "ctl", "rig"}

# Where a thread may sleep, by the beginning of the path, and why.
MAY_SLEEP = {
    "rig/": "measures over a span of wall time, beside programs that it can only poll",
    "bench/": "measures over a span of wall time, beside programs that it can only poll",
    "encoder/source/source_context.cpp": 'a demuxer that says "again" offers nothing to wait for; bounded by the read timeout',
    "ctl/jobs.cpp": "asks again over HTTP, which tells nothing by itself",
    "ctl/run.cpp": "asks again over HTTP, which tells nothing by itself",
}

# Types with a deleter in these files are freed by that deleter and nowhere else.
OWNERS = ["encoder/av_ptr.hpp", "encoder/format_ptr.hpp"]
OWNED = "|".join(re.findall(r"deleter<(\w+)>", "".join((ROOT / name).read_text() for name in OWNERS)))

# (what is banned, where, except where, what to do instead)
BANS = [
    (r"\bcaf::infinite\b|\bcaf/all\.hpp\b", r".*", None, "name a finite timeout, such as those of config/waits.hpp; include narrowly"),
    (r"\brequest_receive\b|\bscoped_actor\b", r"actors/.*", None, "actors answer with promises and never block"),
    (rf"\b(?:{OWNED})\s*\(", r".*\.[ch]pp", "|".join(OWNERS), "hold it in its pointer type of encoder/av_ptr.hpp or encoder/format_ptr.hpp"),
    (r"\b(?:TODO|FIXME|XXX|HACK)\b", r".*", None, "do it, or open an issue; code states what is"),
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b", r".*\.[ch]pp", None,
     "wait for the event itself, with a deadline; or add the file to MAY_SLEEP with a reason"),
    (r"^\s*using namespace\b(?! std::(?:\w+::)*\w*literals;)", r".*\.hpp", None, "a header does not decide what its reader's names mean"),
]
# This file and the configuration of the rules name what they ban.
EXEMPT = {"test/tidy/tidy.py"}

findings = []


def finding(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in {".hpp", ".cpp", ".py", ".sh"} and name not in EXEMPT:
                yield name, path.read_text(encoding="utf-8", errors="replace")


def scripts():
    for path in sorted([*(ROOT / "scripts").glob("*"), *(ROOT / ".ci").glob("*")]):
        if path.is_file():
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def component(name):
    """The folder of `ARROWS` that a file lies in: the innermost one that the table has."""
    folder = name.rpartition("/")[0]
    while folder and folder not in ARROWS:
        folder = folder.rpartition("/")[0]
    return folder or name.split("/")[0]


def may_include(here, there):
    """Whether the table has an arrow from one folder to another."""
    allowed = ARROWS.get(here, set())
    return there == here or bool({there, there.split("/")[0] + "/*", "*"} & allowed)


def includes(text):
    """(line, target, ours) of every include."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line):
            yield number, match[2], match[1] == '"'


def check_text(name, text):
    lines = text.splitlines()
    if not lines:
        return
    limit = MAX_LINES_TEST if name.startswith("test/") else MAX_LINES
    if len(lines) > limit:
        finding(name, limit, f"{len(lines)} lines: a file has one subject and at most {limit} lines; split it")
    for number, line in enumerate(lines, 1):
        if name.endswith("pp") and len(line) > MAX_COLUMNS and '"' not in line:
            finding(name, number, f"{len(line)} columns: a line has at most {MAX_COLUMNS}")
    for pattern, where, exempt, advice in BANS:
        if not re.fullmatch(where, name) or (exempt and re.fullmatch(exempt, name)):
            continue
        if "sleep" in pattern and name.startswith(tuple(MAY_SLEEP)):
            continue
        for number, line in enumerate(lines, 1):
            if match := re.search(pattern, line):
                finding(name, number, f"'{match[0].strip()}' is banned here: {advice}")
    if name.endswith("pp") and not lines[0].startswith(("//", "/*")):
        # A source that includes its own header first is introduced by that header.
        first = next(includes(text), (0, "", False))[1]
        if name.endswith(".hpp") or first != name.removesuffix("cpp") + "hpp":
            finding(name, 1, "a file opens with a comment that tells its idea")
    if name.endswith(".hpp") and not re.search(r"^#pragma once$", text, re.M):
        finding(name, 1, "a header has #pragma once")


def check_arrows(files):
    reach = {}

    def reaches_caf(name, trail=()):
        if name not in reach and name not in trail:
            text = files.get(name, "")
            reach[name] = any(target.startswith("caf/") if not ours else reaches_caf(target, (*trail, name))
                              for _, target, ours in includes(text))
        return reach.get(name, False)

    for name, text in files.items():
        here = component(name)
        for number, target, ours in includes(text):
            if here.split("/")[0] in WITHOUT_CAF and (target.startswith("caf/") or (ours and reaches_caf(target))):
                finding(name, number, f"{here}/ knows no CAF, but includes {target}")
                continue
            if not ours or target not in files:
                # A test may have helpers beside it; a header that a CMake script of the same name writes is in the
                # build tree.
                beside = here == "test" and ((ROOT / name).parent / target).exists()
                written = (ROOT / target).with_suffix(".cmake").exists()
                if ours and not beside and not written and not (ROOT / target).exists():
                    finding(name, number, f"include {target} from the root of the tree")
                continue
            there = component(target)
            allowed = ARROWS.get(here, set())
            plain = "plain" in allowed and there == "messages"
            plain = plain or target in {"config/defaults.hpp", "config/waits.hpp"} and here.split("/")[0] not in {"base", "encoder"}
            if not may_include(here, there) and not plain:
                finding(name, number, f"{here}/ may not include {target}; allowed are {', '.join(sorted(allowed)) or 'none'}")


def check_architecture():
    """docs/architecture.md shows the table of arrows as it is."""
    name = "docs/architecture.md"
    shown = {}
    for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
        if match := re.match(r"\| `([a-z/]+)/` \| [^|]+ \| ([^|]+) \|$", line):
            allowed = {word.removesuffix("/") for word in re.findall(r"`([a-z/*]+)`", match[2])}
            if "plain headers of `messages/`" in match[2]:
                allowed = allowed - {"messages"} | {"plain"}
            shown[match[1]] = (number, {"*"} if match[2] == "everything" else allowed)
    for folder in sorted(ARROWS.keys() ^ shown.keys()):
        finding(name, shown.get(folder, (1,))[0], f"{folder}/ stands in only one of this page and the table of arrows")
    for folder, (number, allowed) in shown.items():
        if allowed != ARROWS.get(folder, allowed):
            finding(name, number, f"{folder}/ may include: {', '.join(sorted(ARROWS[folder])) or 'nothing'}")
    for folder in ARROWS:
        if not (ROOT / folder).is_dir():
            finding("test/tidy/tidy.py", 1, f"the table of arrows names {folder}/, which is not there")


def check_lint(files):
    """clang-tidy looks into every header of ours."""
    name = ".clang-tidy"
    match = re.search(r"^HeaderFilterRegex: '(.*)'$", (ROOT / name).read_text(), re.M)
    for header in files:
        if header.endswith(".hpp") and not (match and re.search(match[1], f"/{header}")):
            finding(name, 1, f"HeaderFilterRegex leaves out {header}")


def check_round_trips(files):
    """Every struct of messages/ that has an `inspect` is sent through CAF's serializers and back in a test of messages/: by its
    own name, or as a member of one that is."""
    tests = "\n".join(text for name, text in files.items() if name.startswith("test/messages/"))
    structs = {}
    for name, text in files.items():
        if name.startswith("messages/") and name.endswith(".hpp"):
            for match in re.finditer(r"^struct (\w+)\s*(?:final\s*)?\{(.*?)^\};", text, re.M | re.S):
                if re.search(rf"bool inspect\([^)]*\b{match[1]}& \w+\)", text):
                    structs[match[1]] = (name, text.count("\n", 0, match.start()) + 1, match[2])
    reached = {struct for struct in structs if re.search(rf"\b{struct}\b", tests)}
    todo = list(reached)
    while todo:
        body = structs[todo.pop()][2]
        more = {struct for struct in structs.keys() - reached if re.search(rf"\b{struct}\b[> ]", body)}
        reached |= more
        todo += more
    for struct in sorted(structs.keys() - reached):
        name, line, _ = structs[struct]
        finding(name, line, f"{struct} is not round-tripped in test/messages/")


def check_test(name, text):
    """A test file holds the suite that CTest will ask for, and no case without a check."""
    stem = Path(name).stem
    if not stem.endswith("_test"):
        return
    suites = re.findall(r"BOOST_(?:AUTO|FIXTURE)_TEST_SUITE\(\s*(\w+)", text)
    if not suites or suites[0] != stem:
        finding(name, 1, f"the suite is called {suites[0] if suites else 'nothing'}, not {stem}: CTest would not run it")
    cases = list(re.finditer(r"BOOST_(?:AUTO|FIXTURE|DATA)_TEST_CASE\w*\(\s*(\w+)|BOOST_DATA_TEST_CASE\(\s*(\w+)", text))
    if not cases:
        finding(name, 1, "no test case")
    if not re.search(r"\bBOOST_(?:TEST|CHECK|REQUIRE|WARN|ERROR|FAIL)", text.replace("BOOST_TEST_SUITE", "")):
        finding(name, 1, "asserts nothing")
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*//\s*BOOST_(?:TEST|CHECK|REQUIRE)", line):
            finding(name, number, "an assertion that is commented out")


def check_script(name, text):
    lines = text.splitlines()
    if name.endswith("common.sh"):
        return
    if lines and "bash" in lines[0] and not re.search(r"^set -euo pipefail$", text, re.M):
        finding(name, 1, "a script says set -euo pipefail")
    if len(lines) < 2 or not lines[1].startswith(("#", '"""')):
        finding(name, 2, "a script opens with a comment that tells what it does")
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(?:TODO|FIXME|XXX|HACK)\b", line):
            finding(name, number, "do it, or open an issue; code states what is")


def check_tree():
    files = dict(sources())
    for name, text in files.items():
        check_text(name, text)
        if name.startswith("test/") and name.endswith(".cpp"):
            check_test(name, text)
    check_arrows({name: text for name, text in files.items() if name.endswith(("pp", ".hpp"))})
    check_architecture()
    check_lint(files)
    check_round_trips(files)
    for name, text in scripts():
        check_script(name, text)
    return f"{len(files)} files"


def flags_by_folder(build):
    """One compile command per folder of ours, without its source and outputs: headers are compiled as their neighbours are.
    If a folder makes several libraries, the longest command counts, because that library may include most. Sources that
    are compiled together are in a file of the build folder, below the name of their folder."""
    result = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["file"])
        if not path.is_relative_to(ROOT):
            continue
        words = [w for w in shlex.split(entry["command"]) if not w.endswith("ccache")]
        for option in ("-o", "-MF", "-MT", "-c"):
            if option in words:
                at = words.index(option)
                del words[at:at + 2]
        folder = component(path.relative_to(build if path.is_relative_to(build) else ROOT).as_posix())
        if folder not in result or len(words) > len(result[folder][1]):
            result[folder] = (entry["directory"], words)
    return result


def check_headers_alone(build):
    commands = flags_by_folder(build)
    headers = [name for name, _ in sources() if name.endswith(".hpp")]

    def compile_alone(name):
        folder = component(name)
        while folder and folder not in commands:
            folder = folder.rpartition("/")[0]
        directory, words = commands[folder]
        # Included from an empty source: as a main file, #pragma once itself would be a warning.
        run = subprocess.run([*words, "-fsyntax-only", "-x", "c++", "-include", str(ROOT / name), "/dev/null"],
                             cwd=directory, capture_output=True, text=True)
        return name, run.returncode, run.stderr

    with ThreadPoolExecutor(cpu_count()) as pool:
        for name, status, errors in pool.map(compile_alone, headers):
            if status != 0:
                finding(name, 1, "does not compile alone\n" + errors)
    return f"{len(headers)} headers"


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--headers-alone":
        checked = check_headers_alone(Path(sys.argv[2]).resolve())
    elif len(sys.argv) == 1:
        checked = check_tree()
    else:
        sys.exit(__doc__)
    print("\n".join(findings) or f"tidy: {checked} keep the house rules")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
