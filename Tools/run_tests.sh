#!/bin/sh
# Runs tests by the command given; where some fail, names them again at the end, which the runner does thousands of lines before.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
exec 3>&1
status=$({ { "$@" 2>&1; echo $? >&4; } | tee "$log" >&3; } 4>&1)
[ "$status" -eq 0 ] && exit 0
printf '\nWhat failed:\n'
grep -E '^✘ .*recorded an issue|^(error|.*: error):|Fatal error' "$log" || echo "the runner itself: status $status"
grep -E '^✘ Test run with' "$log"
exit "$status"
