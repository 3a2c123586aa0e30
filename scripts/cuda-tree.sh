#!/usr/bin/env bash
# Makes the folder that a CUDA build needs, on a machine without CUDA: NVIDIA's compiler, headers and libraries from
# their packages on PyPI, at pinned versions and digests. Nothing is installed; remove the folder and all is gone.
# Usage: scripts/cuda-tree.sh FOLDER
#   bin, include, nvvm   the compiler and what it reads
#   lib                  the libraries to run with (LD_LIBRARY_PATH=FOLDER/lib), and those to link with: see late.py
#   lib64                the same
# What is there already and complete is left as it is. x86-64 Linux; 680 MB are downloaded, 1.5 GB stay.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "cuda-tree: $*" >&2; exit 1; }

[ $# -eq 1 ] && [ -n "$1" ] || { echo "usage: scripts/cuda-tree.sh FOLDER" >&2; exit 2; }
[ "$(uname -sm)" = "Linux x86_64" ] || fail "the pinned packages are for x86-64 Linux, this is $(uname -sm)"
for need in "python3:runs pip and writes what is linked" "unzip:unpacks the packages" "cc:compiles what is linked" \
    "ar:packs what is linked" "cargo:tells where the sources of cudarc are"; do
    command -v "${need%%:*}" >/dev/null || fail "no ${need%%:*} here, which ${need#*:}"
done
python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip: install it (Debian: python3-pip)"

packages=$(cat <<'PACKAGES'
nvidia-cuda-nvcc==13.0.88 --hash=sha256:56fe502eb77625a12f25172caa3cdddb4e4c8ba2c8c17dba44b164761b380f03
nvidia-nvvm==13.0.88 --hash=sha256:c5f41ffeb6466944a026dfa5317d7d85355c119bbec279205d22f1869d1054e0
nvidia-cuda-crt==13.0.88 --hash=sha256:2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4
nvidia-cuda-nvrtc==13.0.88 --hash=sha256:ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575
nvidia-cuda-cccl==13.0.85 --hash=sha256:e0da7ad981f3a8aff08241b5bfc1af868742a63e2762f53a5171c492ef242649
nvidia-cuda-runtime==13.0.96 --hash=sha256:7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
nvidia-cublas==13.0.2.14 --hash=sha256:0cf238ffdbe46c00cb9aa98e7bca745c223a5ca5a53e686ac8b3e5a08fe80d6c
nvidia-curand==10.4.5.25 --hash=sha256:22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529
PACKAGES
)

# The folder of the sources of cudarc, at the version that Cargo.lock has: they name the functions that are linked.
cudarc=$(cd "$here/.." && cargo metadata --locked --all-features --format-version 1 | python3 -c '
import json, os, sys
found = [p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc"]
print(os.path.dirname(found[0]) if found else "")') || fail "cargo metadata failed: run cargo fetch, then this again"
[ -n "$cudarc" ] || fail "Cargo.lock has no cudarc, which a CUDA build is made with"

# What the folder was made from; a folder that says the same is complete.
recipe=$(printf '%s\n' "$packages" "$(basename "$cudarc")" "$(cat "$0" "$here/cuda/late.py" | sha256sum)")
mkdir -p "$(dirname "$1")"
folder=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

tell() {
    echo "Build, for a GPU of compute capability 9.0 (H100; A100 has 80, RTX 40 has 89):"
    echo "  PATH=$folder/bin:\$PATH CUDA_HOME=$folder CUDA_COMPUTE_CAP=90 \\"
    echo "    cargo build --release --locked -p omnivale-cli --features cuda"
    echo "Run, with a driver for CUDA 13:"
    echo "  LD_LIBRARY_PATH=$folder/lib target/release/omnivale doctor    # whether a GPU answers"
}
if [ -e "$folder/recipe" ] && [ "$(cat "$folder/recipe")" = "$recipe" ]; then
    echo "cuda-tree: $folder is there and complete"
    tell
    exit 0
fi
if [ -e "$folder" ] && [ ! -e "$folder/recipe" ]; then
    fail "$folder is there and was not made by this script: name another folder, or remove it"
fi

work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages" "$work/tree" "$work/late"
printf '%s\n' "$packages" > "$work/packages.txt"

echo "cuda-tree: downloading NVIDIA's packages (680 MB), each checked against its digest"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    --dest "$work/packages" --requirement "$work/packages.txt" ||
    fail "pip could not get the packages (above is what it says); nothing has been changed"

echo "cuda-tree: unpacking"
for package in "$work"/packages/*.whl; do
    unzip -q -o "$package" 'nvidia/cu13/*' -d "$work/unpacked" || fail "$(basename "$package") cannot be unpacked"
    rm "$package"
done
for part in bin include nvvm lib; do
    mv "$work/unpacked/nvidia/cu13/$part" "$work/tree/$part" || fail "the packages have no folder $part"
done
chmod -R u+w "$work/tree"
chmod +x "$work"/tree/bin/* "$work"/tree/nvvm/bin/*
ln -s lib "$work/tree/lib64"

# Each library is linked as a stand-in that opens the real one at its first call. CUDA's runtime is linked whole: it
# opens the driver in the same way.
late() { # the name it is linked by, the file opened at run time, the module of cudarc, what its functions give without it
    python3 "$here/cuda/late.py" "$1" "$2" "$4" "$cudarc/src/$3/sys/mod.rs" "$work/late" ||
        fail "the functions of $1 were not found in $cudarc"
    cc -O2 -fPIC -c "$work/late/$1.c" -o "$work/late/$1.c.o"
    cc -fPIC -c "$work/late/$1.s" -o "$work/late/$1.s.o"
    ar rcs "$work/tree/lib/lib$1.a" "$work/late/$1.c.o" "$work/late/$1.s.o"
}
late cuda libcuda.so.1 driver 34          # CUDA_ERROR_STUB_LIBRARY
late nvrtc libnvrtc.so.13 nvrtc 11        # NVRTC_ERROR_INTERNAL_ERROR
late cublas libcublas.so.13 cublas 1      # CUBLAS_STATUS_NOT_INITIALIZED
late cublasLt libcublasLt.so.13 cublaslt 1
late curand libcurand.so.10 curand 101    # CURAND_STATUS_NOT_INITIALIZED
ln -s libcudart_static.a "$work/tree/lib/libcudart.a"

printf '%s\n' 'int cuInit(unsigned);' 'int main(void) { return cuInit(0) < 0; }' > "$work/late/probe.c"
cc "$work/late/probe.c" -o "$work/late/probe" -L"$work/tree/lib" -lcuda &&
    "$work/late/probe" || fail "a program that is linked with the stand-in for the driver does not run here"
"$work/tree/bin/nvcc" --version >/dev/null || fail "the compiler does not start here"
printf '%s\n' "$recipe" > "$work/tree/recipe"
rm -rf "$folder"
mv -T "$work/tree" "$folder"
echo "cuda-tree: made $folder"
tell
