#!/bin/sh
# Copies the libraries that a program needs, stripped, and their licences; those of the C library and its loader are the system's.
#   Tools/collect_libraries.sh PROGRAM LIBRARIES LICENCES
set -eu
program=$1 libraries=$2 licences=$3

# Every library but the parts of the C library, which belong to the system and its loader.
ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// {print $1, $3}' | while read -r soname path; do
  case $soname in
    libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libresolv.so.* | libutil.so.* | ld-linux*) continue ;;
    libswift* | libFoundation* | libdispatch* | libBlocksRuntime* | lib_Foundation*)
      echo "$program: $soname of the Swift runtime is not linked in" >&2
      exit 1
      ;;
  esac
  real=$(readlink -f "$path")
  strip -o "$libraries/$soname" "$real"
  # Debian names the file by either path, since /lib is /usr/lib.
  package=$(dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || true)
  package=${package%%:*}
  licence=/usr/share/doc/$package/copyright
  if [ -n "$package" ] && [ -e "$licence" ]; then
    cp "$licence" "$licences/$package.txt"
  else
    echo "$program: no licence is found for $soname" >&2
    exit 1
  fi
done
