#!/bin/sh
# Kills a short training at random moments (SIGKILL), goes on each time, and holds the models that come out against that of a run that was
# left alone: check_resume.sh SWIFTLET PICTURES [KILLS]
set -eu
swiftlet=$1
pictures=$2
kills=${3:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/recipe.yaml" <<YAML
model: {architecture: edsr, options: {layout: direct, channels: 1, features: 8, blocks: 1}}
data: {kind: super-resolution, folders: "$pictures", patch: 32, patches-per-picture: 8, damaged: skip}
training: {epochs: 30, batch-size: 8, learning-rate: 0.002, schedule: cosine, average: 0.99}
YAML
for threads in 1 2 3; do
  "$swiftlet" train "$work/recipe.yaml" --threads "$threads" -o "$work/whole-$threads" >/dev/null 2>"$work/errors"
done
expected=$(cksum < "$work/whole-1/model.safetensors")
for threads in 2 3; do
  [ "$(cksum < "$work/whole-$threads/model.safetensors")" = "$expected" ] || { echo "$threads threads give another model"; exit 1; }
done
echo "1, 2 and 3 threads: the same model"
killed=0
round=0
while [ "$killed" -lt "$kills" ]; do
  round=$((round + 1))
  run="$work/killed-$round"
  "$swiftlet" train "$work/recipe.yaml" -o "$run" >/dev/null 2>&1 &
  while :; do
    child=$!
    # Up to a second and a half, by the clock's last digits.
    sleep "$(date +%N | awk '{ printf "%.3f", 0.05 + (($1 % 1000003) / 1000003) * 1.5 }')"
    if kill -9 "$child" 2>/dev/null; then killed=$((killed + 1)); wait "$child" 2>/dev/null || true; else wait "$child"; break; fi
    if [ "$killed" -ge "$kills" ]; then
      [ -e "$run/last.safetensors" ] && "$swiftlet" train --resume "$run" >/dev/null 2>&1
      break
    fi
    if [ -e "$run/last.safetensors" ]; then
      "$swiftlet" train --resume "$run" >/dev/null 2>&1 &
    else
      rm -rf "$run"
      "$swiftlet" train "$work/recipe.yaml" -o "$run" >/dev/null 2>&1 &
    fi
  done
  [ -e "$run/model.safetensors" ] || continue
  [ "$(cksum < "$run/model.safetensors")" = "$expected" ] || { echo "run $round gives another model"; exit 1; }
done
echo "$killed kills in $round runs: each ended with the same model"
