#!/bin/sh
# Checks and times the CUDA backend on this machine, within four minutes: every operation and whole networks against the CPU, under
# compute-sanitizer where it is installed, a photo enlarged on both, times beside PyTorch's where python3 has it.
#   sh run.sh [RESULTS] [OPTIONS OF gpu-check]
# RESULTS is a folder (default: results, beside this file) that gets check.json, check.txt and what else was said. Exits 1 where
# anything failed. `sh run.sh results --emulated` needs no device: it shows what runs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
results=${1:-$here/results}
[ $# -gt 0 ] && shift
mkdir -p "$results" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# By xz, or by Python where that is not there.
tar -C "$work" -xJf "$here/program.tar.xz" 2> "$results/unpack.txt" \
  || python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/program.tar.xz" "$work" \
  || { echo "run.sh: program.tar.xz cannot be unpacked: install xz-utils" >&2; exit 1; }
rm -f "$results/unpack.txt"
program=$work/program
failures=0
say() { echo "$*" | tee -a "$results/check.txt"; }
: > "$results/check.txt"
isEmulated=
for option in "$@"; do [ "$option" = --emulated ] && isEmulated=1; done

torch=
if [ -z "$isEmulated" ] && python3 -c 'import torch; assert torch.cuda.is_available()' 2> "$results/torch.txt"; then
  rm -f "$results/torch.json"
  timeout 85 python3 "$here/torch_times.py" --json "$results/torch.json" --seconds 60 >> "$results/torch.txt" 2>&1
  [ -e "$results/torch.json" ] && torch=$results/torch.json
fi
[ -n "$torch" ] || say "PyTorch is not timed (torch.txt says why)"

"$program/bin/gpu-check" --json "$results/check.json" --seconds 60 ${torch:+--torch "$torch"} "$@" \
  > "$work/check.txt" 2> "$results/progress.txt" || failures=$((failures + 1))
tee -a "$results/check.txt" < "$work/check.txt"
grep '^Error:' "$results/progress.txt" | tee -a "$results/check.txt"

if [ -z "$isEmulated" ]; then
  # A photo by both; whether the files are equal is told, and no reason to fail: float32 is summed in other orders.
  for device in cpu cuda; do
    "$program/bin/swiftlet" upscale "$program/chelsea.png" --scale 2 --device "$device" -o "$work/$device.png" \
      >> "$results/upscale.txt" 2>&1 || { say "upscale --device $device failed: upscale.txt says why"; failures=$((failures + 1)); }
  done
  if [ -e "$work/cpu.png" ] && [ -e "$work/cuda.png" ]; then
    cmp -s "$work/cpu.png" "$work/cuda.png" && say "the photo is the same by both" || say "the photo differs in its last bits"
    cp "$work/cuda.png" "$results/"
  fi
  # A folder of photos of 1080 rows: how busy the device is, and what it waits for.
  mkdir "$work/photos"
  if "$program/bin/swiftlet" upscale "$program/chelsea.png" --width 1920 --height 1080 -o "$work/photos/1.jpg" >> "$results/upscale.txt" 2>&1; then
    for number in $(seq 2 24); do cp "$work/photos/1.jpg" "$work/photos/$number.jpg"; done
    COLUMNS=1000 "$program/bin/swiftlet" upscale "$work/photos" -o "$work/large" --scale 2 --device cuda --precision float16 \
      > "$work/photos.txt" 2>&1 || { say "upscale of a folder failed: upscale.txt says why"; failures=$((failures + 1)); }
    cat "$work/photos.txt" >> "$results/upscale.txt"
    tail -n 2 "$work/photos.txt" | tee -a "$results/check.txt"
  fi
  "$program/bin/swiftlet" devices >> "$results/check.txt" 2>&1
  if command -v compute-sanitizer > /dev/null; then
    for tool in memcheck racecheck; do
      timeout 25 compute-sanitizer --tool $tool --error-exitcode 9 "$program/bin/gpu-check" --operations --seconds 10 \
        > "$results/$tool.txt" 2>&1
      case $? in
        0) say "compute-sanitizer, $tool: nothing" ;;
        124) say "compute-sanitizer, $tool: out of time" ;;
        *) say "compute-sanitizer, $tool: FAILED, $tool.txt says what"; failures=$((failures + 1)) ;;
      esac
    done
  else
    say "compute-sanitizer is not installed"
  fi
fi
[ $failures -eq 0 ] && say "all is well" || say "$failures parts FAILED"
[ $failures -eq 0 ]
