#!/bin/sh
# Builds the documentation of the library into .build/documentation, a site of static files. A warning is an error.
#
# The library is many modules that users see as one: Swiftlet re-exports them. So the symbols of all of them are extracted as
# symbols of Swiftlet, and one page tree results. A DocC plugin could not do that, and every user would have to resolve it.
set -eu
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
out=.build/documentation
if [ "$(uname)" = Darwin ]; then docc="xcrun docc"; else docc=docc; fi

$swift build -c release --target Swiftlet
products=$($swift build -c release --show-bin-path)
triple=$($swift -print-target-info | sed -n 's/.*"triple": "\(.*\)".*/\1/p' | head -1)
modules=$(sed -n 's/^@_exported import //p' Sources/Swiftlet/Swiftlet.swift | paste -s -d , -)

set -- -I "$products/Modules" -target "$triple"
# The C modules that ours import have to be found, though nothing of them is documented.
for map in Sources/*/module.modulemap "$products"/*.build/module.modulemap; do set -- "$@" -Xcc "-fmodule-map-file=$map"; done
for folder in $(pkg-config --cflags-only-I libpng libjpeg libwebpmux libtiff-4 libzip); do set -- "$@" -Xcc "$folder"; done
if [ "$(uname)" = Darwin ]; then set -- "$@" -sdk "$(xcrun --show-sdk-path)"; fi

rm -rf "$out"
mkdir -p "$out/symbols" "$out/snippets"

# Every program in the pages must compile; a test does the same for README.md.
pages="Sources/Swiftlet/Swiftlet.docc/*.md Documentation/*.md"
# shellcheck disable=SC2086
cat $pages | awk -v folder="$out/snippets" '
  /^```/ { inside = !inside && $0 == "```swift"; if (inside) file = folder "/" ++count ".swift"; next }
  inside { print > file }'
for snippet in $(grep -l "^import Swiftlet" "$out"/snippets/*.swift); do
  if ! "${swift}c" -typecheck -swift-version 6 -warnings-as-errors "$@" "$snippet"; then cat "$snippet" >&2; exit 1; fi
done

$swift symbolgraph-extract -module-name Swiftlet "$@" -experimental-allowed-reexported-modules="$modules" \
  -minimum-access-level public -output-dir "$out/symbols"
$docc convert Sources/Swiftlet/Swiftlet.docc --additional-symbol-graph-dir "$out/symbols" --fallback-display-name Swiftlet \
  --fallback-bundle-identifier swiftlet --fallback-default-module-kind Library --warnings-as-errors --output-path "$out/site"
echo "The documentation is in $out/site. To read it: $docc preview Sources/Swiftlet/Swiftlet.docc --additional-symbol-graph-dir $out/symbols"
