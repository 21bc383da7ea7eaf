#!/bin/sh
# Checks and times the CUDA backend on this machine, within four minutes: whole networks and steps of training against the CPU, every operation
# against a reference, times beside PyTorch's where python3 has it, what the device uses, a photo and a folder of photos enlarged, and
# the operations under compute-sanitizer where it is installed. Each part is a process of its own: what one cannot do, the others still say.
#   sh run.sh [RESULTS] [OPTIONS OF gpu-check]
# RESULTS is a folder (default: results, beside this file) that gets check.json, check.txt and what else was said. Exits 1 where
# anything failed. `sh run.sh results --emulated` needs no device: it shows what runs.
set -u
begun=$(date +%s)
# Seconds in all; the last parts are left out where they are over.
limit=${GPU_CHECK_SECONDS:-228}
here=$(cd "$(dirname "$0")" && pwd)
results=$here/results
case ${1:--} in -*) ;; *) results=$1; shift ;; esac
isEmulated=
for option in "$@"; do [ "$option" = --emulated ] && isEmulated=1; done

work=$(mktemp -d) || exit 1
peer=
# What was begun ends with this, however it ends.
finish() {
  [ -n "$peer" ] && kill -CONT -- "-$peer" 2> /dev/null && kill -KILL -- "-$peer" 2> /dev/null
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
# By xz, or by Python where that is not there.
tar -C "$work" -xJf "$here/program.tar.xz" 2> "$work/unpack.txt" \
  || python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/program.tar.xz" "$work" 2>> "$work/unpack.txt" \
  || { cat "$work/unpack.txt" >&2; echo "run.sh: program.tar.xz cannot be unpacked: install xz-utils" >&2; exit 1; }
program=$work/program
check=$program/bin/gpu-check
if [ -z "$isEmulated" ]; then
  # Without a driver, or a device, there is nothing to check: one line says so, and no results are left.
  "$program/bin/swiftlet" devices > "$work/devices.txt" 2> "$work/fault.txt" || { sed 's/^swiftlet: /run.sh: /' "$work/fault.txt" >&2; exit 1; }
fi
mkdir -p "$results" || exit 1
results=$(cd "$results" && pwd)
for name in check.json check.txt torch.json; do rm -f "$results/$name"; done
: > "$results/check.txt"
say() { echo "$*" | tee -a "$results/check.txt"; }
failures=0
left() { echo $((limit - $(date +%s) + begun)); }
# part NAME SECONDS COMMAND...: no longer than that, and than there is time; what it says goes to NAME.txt.
part() {
  name=$1 most=$2
  shift 2
  [ "$(left)" -lt "$most" ] && most=$(left)
  if [ "$most" -lt 4 ]; then say "$name: not run, out of time"; return 1; fi
  timeout -k 3 "$most" "$@" > "$results/$name.txt" 2>&1
  code=$?
  case $code in
    0) return 0 ;;
    124 | 137) say "$name: out of time after $most s" ;;
    *) say "$name: FAILED (exit code $code): $name.txt says how" ;;
  esac
  failures=$((failures + 1))
  return 1
}
# Begins nothing some seconds before it would be ended.
checks() {
  name=$1 seconds=$2
  shift 2
  part "$name" $((seconds + 15)) "$check" --json "$results/check.json" --parts "$name" --seconds "$seconds" --workers "$workers" "$@"
}

workers=$(($(nproc 2> /dev/null || echo 2) / 2))
[ "$workers" -gt 8 ] && workers=8
[ "$workers" -lt 1 ] && workers=1
if [ -z "$isEmulated" ]; then
  # PyTorch makes and compiles its networks while ours are checked, stands still while ours are timed, and is timed then.
  if command -v python3 > /dev/null && [ -n "$(python3 -c 'import importlib.util as u; print(u.find_spec("torch") and 1 or "")' 2> /dev/null)" ]; then
    # It leads a process group of its own, so that all that it begins can be stopped.
    python3 -c 'import os, sys; os.setpgid(0, 0); os.execv(sys.executable, [sys.executable] + sys.argv[1:])' \
      "$here/torch_times.py" --json "$work/torch.json" --go "$work/go" --seconds 60 > "$results/torch.txt" 2>&1 &
    peer=$!
  else
    say "PyTorch is not timed: python3 has none"
  fi
  # The driver compiles all kernels once, as many at a time as there are processors, and keeps them.
  export CUDA_CACHE_PATH="$work/cache" CUDA_CACHE_MAXSIZE=1073741824
  shares=$((2 * workers))
  echo '#!/bin/sh
  share=0 compilers=
  while [ $share -lt $2 ]; do "$1" --compile $share/$2 & compilers="$compilers $!"; share=$((share + 1)); done
  code=0
  for compiler in $compilers; do wait $compiler || code=1; done
  exit $code' > "$work/compile.sh"
  part compile 60 sh "$work/compile.sh" "$check" "$shares"
fi
checks networks 30 "$@"
checks operations 20 "$@"
checks training 20 "$@"
[ -n "$peer" ] && kill -STOP -- "-$peer" 2> /dev/null
checks times 45 "$@"
checks training-times 12 "$@"
[ -z "$isEmulated" ] && checks energy 16 "$@"
[ -n "$peer" ] && kill -CONT -- "-$peer" 2> /dev/null

if [ -n "$peer" ]; then
  : > "$work/go"
  # Its figures are written one by one: it is ended when it has had its time.
  waited=0
  while kill -0 "$peer" 2> /dev/null && [ $waited -lt 75 ] && [ "$(left)" -gt 25 ]; do sleep 1; waited=$((waited + 1)); done
  kill -KILL -- "-$peer" 2> /dev/null
  wait "$peer" 2> /dev/null
  peer=
  [ -e "$work/torch.json" ] && cp "$work/torch.json" "$results/" || say "PyTorch is not timed: torch.txt says why"
fi

if [ -z "$isEmulated" ]; then
  cat "$work/devices.txt" >> "$results/check.txt"
  # A photo by both; whether the files are equal is told, and no reason to fail: float32 is summed in other orders.
  for device in cpu cuda; do
    part upscale-$device 15 "$program/bin/swiftlet" upscale "$program/chelsea.png" --scale 2 --device "$device" -o "$work/$device.png"
  done
  if [ -e "$work/cpu.png" ] && [ -e "$work/cuda.png" ]; then
    cmp -s "$work/cpu.png" "$work/cuda.png" && say "the photo is the same by both" || say "the photo differs in its last bits"
    cp "$work/cuda.png" "$results/"
  fi
  # A folder of photos of 1080 rows: how busy the device is, and what it waits for.
  mkdir "$work/photos"
  if part photo 15 "$program/bin/swiftlet" upscale "$program/chelsea.png" --width 1920 --height 1080 -o "$work/photos/1.jpg"; then
    for number in $(seq 2 24); do cp "$work/photos/1.jpg" "$work/photos/$number.jpg"; done
    part photos 30 env COLUMNS=1000 "$program/bin/swiftlet" upscale "$work/photos" -o "$work/large" --scale 2 --device cuda --precision float16 \
      && tail -n 2 "$results/photos.txt" | tee -a "$results/check.txt"
  fi
  part profile 15 "$program/bin/swiftlet" profile upscale-x2 --device cuda --precision float16
  if command -v compute-sanitizer > /dev/null; then
    for tool in memcheck racecheck; do
      part $tool 22 compute-sanitizer --tool $tool --error-exitcode 9 "$check" --parts training,operations --seconds 10 \
        && say "compute-sanitizer, $tool: nothing"
    done
  else
    say "compute-sanitizer is not installed"
  fi
fi
# All of it in one table; what failed of the checks is told there, once more.
if [ -e "$results/check.json" ]; then
  torch=
  [ -e "$results/torch.json" ] && torch=$results/torch.json
  "$check" --tell --json "$results/check.json" ${torch:+--torch "$torch"} > "$work/table.txt" 2>&1 || failures=$((failures + 1))
  cat "$work/table.txt"
  cat "$results/check.txt" >> "$work/table.txt"
  mv "$work/table.txt" "$results/check.txt"
else
  say "no check was done"
  failures=$((failures + 1))
fi
seconds=$(($(date +%s) - begun))
[ $failures -eq 0 ] && say "all is well, in $seconds s" || say "$failures parts FAILED, in $seconds s"
[ $failures -eq 0 ]
