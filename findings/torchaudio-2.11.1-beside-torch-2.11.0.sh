#!/usr/bin/env bash
# torchaudio 2.11.1 says in its metadata that it needs torch>=2.11, and its page says that 2.11 works with torch 2.11 and every later release.
# pip therefore puts it beside torch 2.11.0 without a word, also where a project asks for `torch==2.11.* torchaudio==2.11.*`. `import torchaudio`
# then fails: its compiled library wants a symbol (torch_exception_get_what_without_backtrace) that the libraries of torch 2.11.0 do not have.
# torchaudio 2.11.0 loads beside the same torch. Seen on Linux, x86-64, Python 3.11, wheels of PyPI (CUDA builds, on a CPU); source: the wheels' METADATA.
# The script fails if this changes. It downloads about 3 GB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install --quiet torch==2.11.0 numpy
load() {  # version: what importing it prints last
    "$python" -m pip install --quiet --no-deps "torchaudio==$1"
    "$python" -c "import torchaudio; print('loads', torchaudio.__version__)" 2>&1 || true
}
needs() { "$python" -c "from importlib.metadata import requires; print(*requires('torchaudio') or ['nothing'])"; }
newer=$(load 2.11.1); stated=$(needs); conflicts=$("$python" -m pip check 2>&1 || true)
older=$(load 2.11.0)
echo "torchaudio 2.11.1 states: $stated"; echo "pip check: $conflicts"; echo "$newer" | grep -o 'undefined symbol: [a-z_]*' || true; echo "torchaudio 2.11.0: $older"
[[ "$stated" == "torch>=2.11" ]]
[[ "$newer" == *"undefined symbol: torch_exception_get_what_without_backtrace"* ]]
[[ "$older" == "loads 2.11.0"* ]]
echo "as described"
