#!/usr/bin/env bash
# Makes benchmarks/peers/.venv with the pinned Python packages that the bench command compares with, and
# .venv-evidently for the one that needs older packages than the others.
# Idempotent: an environment that already has its requirements is left alone.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
fail() {
  printf 'bench:peers: %s\n' "$1" >&2
  exit 1
}

find_python() {
  local name
  for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3.10 python3 python; do
    [ -n "$name" ] || continue
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
      printf '%s\n' "$name"
      return 0
    fi
  done
  return 1
}

# $1: environment, $2: its requirements
make_environment() {
  local venv="$here/$1" wanted="$here/$2" python
  local installed="$venv/requirements.installed.txt"
  if [ -f "$installed" ] && cmp -s "$wanted" "$installed" && "$venv/bin/python" -c '' >/dev/null 2>&1; then
    printf 'bench:peers: %s is up to date\n' "$venv"
    return
  fi
  python="$(find_python)" || fail 'no Python >= 3.10 with venv and ensurepip was found. Install one (Debian and Ubuntu: python3 python3-venv), or name it: PYTHON=/path/to/python3 npm run bench:peers'
  printf 'bench:peers: making %s with %s\n' "$venv" "$("$python" --version)"
  rm -rf "$venv"
  "$python" -m venv "$venv" || fail "could not make $venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --requirement "$wanted" ||
    fail "pip could not install $wanted. Without access to a package index the peers are absent and the bench command reports met: null for their rows; pip's own settings (pip config, PIP_INDEX_URL) choose another index."
  cp "$wanted" "$installed"
}

make_environment .venv requirements.txt
make_environment .venv-evidently requirements-evidently.txt
printf 'bench:peers: ready\n'
