#!/usr/bin/env bash
# Installs the peers of the benchmarks into target/bench/venv (once), and ffmpeg where it is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=target/bench/venv
wanted=scripts/bench/peers.txt

scripts/setup.sh sample
if cmp -s "$wanted" "$venv/peers.txt"; then exit 0; fi
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "bench: python3's venv module is missing: install the package python3-venv, and run this again" >&2
    exit 1
fi
echo "bench: installing the peers into $venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
cp "$wanted" "$venv/peers.txt"
