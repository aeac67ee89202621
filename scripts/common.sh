# Shared by the scripts in this folder; source it, do not run it.
# Sets: root (repository), cache (everything built or fetched outside the build tree), jobs.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${TROUPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/troupe}
caf_version=0.18.7
jobs=$(nproc)

# Compiled objects are kept next to CAF, and temporary files in the build tree, so nothing else on the machine changes.
export CCACHE_DIR=$cache/ccache CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
# Another clone of the same sources can use the objects compiled here: paths are hashed relative to the repository.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
mkdir -p "$cache" "$root/build/tmp"
export TMPDIR=$root/build/tmp

# Prints a message: in bold on a terminal, plain in a log.
say() { if [ -t 2 ]; then printf '\033[1m== %s\033[0m\n' "$*" >&2; else printf '== %s\n' "$*" >&2; fi; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# The prefix of the CAF build for variant $1 (release or tsan). The name contains everything that the build depends on:
# another version, compiler or flag set gets another folder, so a stale build is never used.
caf_prefix() {
  local compiler
  compiler=$(${CXX:-c++} -dumpmachine)-$(${CXX:-c++} -dumpfullversion -dumpversion)
  printf '%s/caf-%s-%s-%s' "$cache" "$caf_version" "$1" "$compiler"
}

# Configures preset $1 with what follows as further arguments to CMake; prints CMake's output only if that fails.
configure() {
  local preset=$1 variant=release log; shift
  # ThreadSanitizer's runtime is the compiler's own, so CAF and we are built with the same one.
  [ "$preset" != tsan ] || { variant=tsan; export CXX=clang++-14; }
  "$root/scripts/setup" --caf="$variant" || return
  log=$root/build/$preset.configure.log
  (cd "$root" && cmake --preset "$preset" "$@" >"$log" 2>&1) || { cat "$log" >&2; die "configuring preset $preset failed"; }
}

# Configures and builds preset $1: everything, or only the targets that follow.
build() {
  local preset=$1; shift
  configure "$preset" || return
  cmake --build "$root/build/$preset" -j "$jobs" ${1:+--target "$@"}
}

# Our own C++ files, one a line: they are formatted, checked and linted. Takes file name endings: own_sources hpp cpp
own_sources() {
  local folder endings=() folders=()
  for e in "$@"; do endings+=(-o -name "*.$e"); done
  for folder in base messages config telemetry core encoder packaging store transfer trust processes actors http nodes ctl rig bench test; do
    [ -d "$root/$folder" ] && folders+=("$folder")
  done
  (cd "$root" && find "${folders[@]}" -type f \( "${endings[@]:1}" \) | LC_ALL=C sort)
}
