#!/usr/bin/env bash
# Makes examples/python-trainer/.venv with the pinned packages. Idempotent.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="$here/.venv"
wanted="$here/requirements.txt"
installed="$venv/requirements.installed.txt"

if [ -f "$installed" ] && cmp -s "$wanted" "$installed" && "$venv/bin/python" -c '' >/dev/null 2>&1; then
  printf 'python-trainer: %s is up to date\n' "$venv"
  exit 0
fi
python="${PYTHON:-python3}"
"$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || {
  printf 'python-trainer: Python >= 3.11 with venv and ensurepip is needed; name it: PYTHON=/path/to/python3 %s\n' "$0" >&2
  exit 1
}
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --requirement "$wanted"
cp "$wanted" "$installed"
printf 'python-trainer: ready\n'
