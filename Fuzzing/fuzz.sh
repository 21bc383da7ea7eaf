#!/bin/sh
# Runs every fuzzing target for its share of the time: fuzz.sh MINUTES [TARGET…]
#
# Inputs that were worth keeping stay in .build/fuzzing/corpus, from run to run. Each input that breaks a promise is kept in
# .build/fuzzing/findings, and the run then fails.
set -eu
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
minutes=${1:?how many minutes}
case $minutes in
  *[!0-9]* | 0) echo "MINUTES is '$minutes' and not a whole number of minutes" >&2; exit 2 ;;
esac
shift

flags="-c release --scratch-path .build/fuzzing --sanitize=address -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=fuzzer-no-link"
# gold fails at the debug information of both sanitizers.
[ "$(uname)" = Linux ] && flags="$flags -Xswiftc -use-ld=lld"
SWIFTLET_FUZZING=1 $swift build $flags --product fuzz
kept=.build/fuzzing
fuzz=$kept/release/fuzz
[ $# -gt 0 ] || set -- $("$fuzz" list)

# Large blocks are freed at once, not kept to be found again: limits are on what is in use.
export ASAN_OPTIONS="quarantine_size_mb=16:detect_stack_use_after_return=0:allocator_may_return_null=1:malloc_context_size=8:${ASAN_OPTIONS:-}"
# A trap is libFuzzer's to report.
export SWIFT_BACKTRACE=enable=no
seconds=$((minutes * 60 / $#))
[ "$seconds" -gt 0 ] || seconds=1
total=0
found=0
for target; do
  # Swift keeps bits of its own in pointers to indirect enums: what a constant holds by them looks like a leak.
  ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" "$fuzz" seeds "$target" "$kept/seeds/$target"
  mkdir -p "$kept/corpus/$target" "$kept/findings"
  words=
  [ -s "$kept/seeds/$target.dict" ] && words="-dict=$kept/seeds/$target.dict"
  log="$kept/$target.log"
  end=$(($(date +%s) + seconds))
  inputs=0
  findings=0
  # A finding ends the process: the next one goes on, up to five.
  while left=$((end - $(date +%s))) && [ "$left" -gt 0 ] && [ "$findings" -lt 5 ]; do
    status=0
    "$fuzz" "$target" "$kept/corpus/$target" "$kept/seeds/$target" $words \
      "-max_total_time=$left" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 -reload=0 -verbosity=1 \
      "-artifact_prefix=$kept/findings/$target-" >"$log" 2>&1 || status=$?
    inputs=$((inputs + $(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1 || echo 0) + 0))
    [ "$status" -eq 0 ] && break
    findings=$((findings + 1))
    file=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
    reason=$(grep -m1 -E 'Fatal error|ERROR: (libFuzzer|AddressSanitizer|LeakSanitizer)' "$log" || echo "status $status")
    echo "$target: $reason"
    echo "  again: $fuzz $target $file"
  done
  echo "$target: $inputs inputs, $findings findings"
  total=$((total + inputs))
  found=$((found + findings))
done
echo "$total inputs, $found findings"
[ "$found" -eq 0 ]
