#!/bin/sh
# Takes a picture of a report or an index page, as the README shows it.
#
#   scripts/screenshot.sh REPORT.html OUT.png [WIDTHxHEIGHT] [light|dark] [SECONDS]
#
# Needs Chromium (or CHROMIUM=/path/to/it). SECONDS is where the playhead stands. Nothing is read
# from the network; the browser's profile is a temporary folder.
set -eu

if [ $# -lt 2 ]; then
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
page=$(realpath "$1")
out=$2
size=${3:-1280x900}
scheme=${4:-light}
seconds=${5:-0}

browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ]; then
    echo "no Chromium found: install it or set CHROMIUM to its path" >&2
    exit 1
fi
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

# Chromium does not run in its sandbox as root, as in most containers.
sandbox=
[ "$(id -u)" -ne 0 ] || sandbox=--no-sandbox

# 0 is dark in Chromium's settings, 1 light.
case $scheme in
    dark) colours=0 ;;
    light) colours=1 ;;
    *) echo "the scheme is light or dark, not $scheme" >&2; exit 2 ;;
esac

url=$(printf '%s' "$page" | sed 's/%/%25/g; s/ /%20/g; s/#/%23/g; s/?/%3F/g')
"$browser" --headless $sandbox --disable-gpu --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --disable-quic --hide-scrollbars \
    --force-device-scale-factor="${SCALE:-1}" --blink-settings=preferredColorScheme=$colours \
    --virtual-time-budget=4000 --user-data-dir="$profile" \
    --window-size="$(printf '%s' "$size" | tr x ,)" --screenshot="$out" \
    "file://$url#t=$seconds" >/dev/null 2>&1
[ -s "$out" ] || { echo "Chromium made no picture of $page" >&2; exit 1; }
