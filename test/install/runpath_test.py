#!/usr/bin/env python3
"""Programs load libraries from where they were installed, and from nowhere else.

usage: runpath_test.py BUILD_FOLDER
Goal: no program looks for libraries in the folder that it is started from, and those that are installed need neither the
build tree nor the cache folder. Method: `readelf` tells the run path of every program in BUILD_FOLDER/bin and of an
installation in a temporary folder; a library in the current folder that has a needed name must not be loaded.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ALLOWED = re.compile(r"\$ORIGIN(/|$)")


def said_by(*command: str, **more) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more).stdout


def is_elf(path: pathlib.Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def run_paths(path: pathlib.Path) -> list[str]:
    return re.findall(r"\((?:RUNPATH|RPATH)\).*?\[(.*)\]", said_by("readelf", "--dynamic", "--wide", str(path)))


def faults_of(path: pathlib.Path) -> list[str]:
    return [f"{path.name}: the run path '{whole}' has the entry '{entry}'; only entries below $ORIGIN are allowed"
            for whole in run_paths(path) for entry in whole.split(":") if not ALLOWED.match(entry)]


def faults_of_loading(program: pathlib.Path, prefix: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Starts `program` with nothing in its environment, in a folder that has a file for each library that it needs."""
    result = []
    needed = dict(re.findall(r"^\s*(\S+) => (/\S+)", said_by("ldd", str(program), env={}), re.MULTILINE))
    for name, where in needed.items():
        (folder / name).write_text("no library\n")
        if name.startswith("libcaf_") and not (where.startswith("/usr/") or pathlib.Path(where).resolve().is_relative_to(prefix)):
            result.append(f"{program.name}: takes {name} from {where}, not from its own prefix")
    started = subprocess.run([program, "--version"], cwd=folder, env={}, text=True, capture_output=True)
    if started.returncode != 0:
        result.append(f"{program.name}: does not start beside files with the names of its libraries: {started.stderr}")
    return result


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    wrong = [x for p in sorted((build / "bin").iterdir()) if p.is_file() and is_elf(p) for x in faults_of(p)]
    with tempfile.TemporaryDirectory() as temporary:
        prefix = pathlib.Path(temporary).resolve() / "prefix"
        stranger = pathlib.Path(temporary).resolve() / "stranger"
        stranger.mkdir()
        said_by("cmake", "--install", str(build), "--prefix", str(prefix))
        programs = sorted((prefix / "bin").iterdir())
        if not {"caf-ctl", "caf-node"} <= {p.name for p in programs}:
            wrong.append(f"installed are only {[p.name for p in programs]}")
        for folder, _, names in os.walk(prefix):
            for path in (pathlib.Path(folder) / name for name in names):
                if is_elf(path):
                    wrong += faults_of(path)
        for program in programs:
            wrong += faults_of_loading(program, prefix, stranger)
    print("\n".join(wrong) or "all run paths are in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
