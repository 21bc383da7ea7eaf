#!/bin/sh
# Makes swiftlet-VERSION-linux-MACHINE.tar.xz: the command with the Swift runtime inside, beside it the C libraries that it needs but the
# C library itself, with their licences. It runs on systems whose C library is as new as the one here, with nothing else installed.
#   Tools/make_distribution.sh [FOLDER]      the folder that the archive goes to (default: dist)
set -eu
cd "$(dirname "$0")/.."
folder=${1:-dist}
[ "$(uname)" = Linux ] || { echo "make dist: makes an archive for Linux, on Linux" >&2; exit 1; }
SWIFT=${SWIFT:-swift}
# Built apart, since everything is compiled for the static runtime. $ORIGIN is where the command lies when it starts; the old kind of
# path counts for the libraries of libraries, too.
set -- -c release --product swiftlet --static-swift-stdlib --scratch-path .build/distribution \
  -Xlinker -rpath -Xlinker '$ORIGIN/../lib' -Xlinker --disable-new-dtags
$SWIFT build "$@"
command=$($SWIFT build "$@" --show-bin-path)/swiftlet

name=swiftlet-$("$command" --version)-linux-$(uname -m)
mkdir -p "$folder"
work=$(mktemp -d "$folder/.making.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/$name
mkdir -p "$root/bin" "$root/lib" "$root/licences" "$root/Examples"
strip -o "$root/bin/swiftlet" "$command"
cp Examples/chelsea.png "$root/Examples/"
cp Tools/distribution.txt "$root/README.txt"
cp LICENSE "$root/LICENSE.txt"
# Of what is inside the command: the Swift runtime and the packages.
runtime=$(dirname "$(readlink -f "$(command -v "${SWIFT%% *}")")")/../share/swift/LICENSE.txt
if [ ! -e "$runtime" ]; then echo "make dist: the licence of the Swift runtime is not at $runtime" >&2; exit 1; fi
cp "$runtime" "$root/licences/swift.txt"
for package in .build/distribution/checkouts/*; do cp "$package"/LICENSE.txt "$root/licences/$(basename "$package").txt"; done

Tools/collect_libraries.sh "$command" "$root/lib" "$root/licences"

# What it needs of the system, read from the files themselves.
needed=$(objdump -T "$root"/bin/* "$root"/lib/* | sed -n 's/.*(\{0,1\}GLIBC_\([0-9][0-9.]*\).*/\1/p' | sort -uV | tail -1)
sed -i "s/@GLIBC@/$needed/" "$root/README.txt"

tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct 2>/dev/null || date +%s)" \
  -C "$work" -cJf "$work/$name.tar.xz" "$name"
mv "$work/$name.tar.xz" "$folder/$name.tar.xz"
echo "$folder/$name.tar.xz: $(du -h "$folder/$name.tar.xz" | cut -f1), needs a C library of version $needed or later"
