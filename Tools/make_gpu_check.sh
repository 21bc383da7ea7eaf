#!/bin/sh
# Makes FOLDER/gpu-check: what a machine with an NVIDIA driver needs to check and time the CUDA backend, and nothing else. There:
#   sh run.sh [FOLDER FOR RESULTS]
#   Tools/make_gpu_check.sh [FOLDER]      the folder that the folder goes to (default: dist)
set -eu
cd "$(dirname "$0")/.."
folder=${1:-dist}
[ "$(uname)" = Linux ] || { echo "make gpu-check: makes a folder for Linux, on Linux" >&2; exit 1; }
SWIFT=${SWIFT:-swift}
export SWIFTLET_GPU_CHECK=1
# As `make dist` builds, and beside it.
set -- -c release --static-swift-stdlib --scratch-path .build/distribution \
  -Xlinker -rpath -Xlinker '$ORIGIN/../lib' -Xlinker --disable-new-dtags
$SWIFT build "$@" --product swiftlet
$SWIFT build "$@" --product gpu-check
programs=$($SWIFT build "$@" --show-bin-path)

mkdir -p "$folder"
work=$(mktemp -d "$folder/.making.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/program
mkdir -p "$root/bin" "$root/lib" "$root/licences" "$work/gpu-check"
cp Tools/device_check/run.sh Tools/device_check/torch_times.py "$work/gpu-check/"
cp Examples/chelsea.png "$root/"
cp LICENSE "$root/licences/swiftlet.txt"
for program in swiftlet gpu-check; do
  strip -o "$root/bin/$program" "$programs/$program"
  Tools/collect_libraries.sh "$programs/$program" "$root/lib" "$root/licences"
done
XZ_OPT=-9 tar --sort=name --owner=0 --group=0 --numeric-owner -C "$work" -cJf "$work/gpu-check/program.tar.xz" program
rm -rf "$folder/gpu-check"
mv "$work/gpu-check" "$folder/gpu-check"
bytes=$(du -sb "$folder/gpu-check" | cut -f1)
[ "$bytes" -lt $((40 << 20)) ] || { echo "make gpu-check: $bytes bytes are more than 40 MiB" >&2; exit 1; }
echo "$folder/gpu-check: $((bytes >> 20)) MiB; copy it to the machine and run: sh gpu-check/run.sh"
