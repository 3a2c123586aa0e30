#!/usr/bin/env bash
# Installs the system packages that a fresh Debian or Ubuntu machine lacks, and says which and why.
# Usage: scripts/setup.sh [build|sample]      (default: build)
#   build   what `cargo build` and `make test` need: a C compiler, libclang for bindgen, FFmpeg
#   sample  what scripts/make-sample.py needs: ffmpeg, sox, espeak-ng, a font
# Each need is checked by asking for the thing itself, so a machine set up in another way
# (own FFmpeg, other distribution) installs nothing and runs no package manager.
set -euo pipefail

need=()     # packages to install
why=()      # one line for each, printed before anything is installed

lack() { need+=("$1"); why+=("  $1: $2"); }
has_command() { command -v "$1" >/dev/null 2>&1; }
has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    ldconfig -p 2>/dev/null | grep -q 'libclang[-.]' && return 0
    compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null
}

want_build() {
    if ! has_command cc || ! has_command make; then
        lack build-essential "the C compiler and linker that Rust links with"
    fi
    has_command pkg-config || lack pkg-config "finds FFmpeg's libraries"
    has_command clang || lack clang "the C headers that bindgen parses FFmpeg's with"
    has_libclang || lack libclang-dev "bindgen, which makes the Rust declarations of FFmpeg, runs on it"
    local library
    for library in avformat avcodec avutil swscale swresample; do
        pkg-config --exists "lib$library" 2>/dev/null ||
            lack "lib$library-dev" "FFmpeg's lib$library, which reads the videos"
    done
    has_command ffmpeg || lack ffmpeg "joins clips into videos (dataset pseudo --render, and its tests)"
}

want_sample() {
    has_command ffmpeg || lack ffmpeg "draws and encodes the sample video"
    has_command sox || lack sox "makes the sample's sounds"
    has_command espeak-ng || lack espeak-ng "speaks the sample's sentences"
    [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf ] ||
        lack fonts-dejavu-core "the letters on the sample's slides"
}

case "${1:-build}" in
    build) want_build ;;
    sample) want_sample ;;
    *) echo "setup: unknown part '$1': use build or sample" >&2; exit 2 ;;
esac

if [ "${1:-build}" = build ] && ! has_command cargo; then
    echo "setup: cargo was not found: install Rust (https://rustup.rs), open a new shell, and run this again" >&2
    exit 1
fi
[ ${#need[@]} -eq 0 ] && exit 0

echo "setup: missing system packages:"
printf '%s\n' "${why[@]}"
if ! has_command apt-get; then
    echo "setup: no apt-get here: install the same things with this system's package manager (FFmpeg 4.4 or later, with its headers), and run this again" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! has_command sudo; then
        echo "setup: neither root nor sudo: ask an administrator to run: apt-get install ${need[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
}
echo "setup: installing with${as_root[*]:+ ${as_root[*]}} apt-get install ${need[*]}"
# Package lists may be missing (fresh image) or name versions that are gone: refresh them then only.
if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || ! install; then
    "${as_root[@]}" apt-get update -qq
    install
fi
echo "setup: done"
