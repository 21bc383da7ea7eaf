#!/bin/sh
# Makes sure that the headers of the C libraries are there: installs them on Debian and Ubuntu, names them elsewhere.
set -eu

missing=""
need() { # header, Debian package
  for folder in /usr/include /usr/include/*-linux-gnu /usr/include/hdf5/serial /usr/local/include /opt/homebrew/include; do
    if [ -e "$folder/$1" ]; then return; fi
  done
  missing="$missing $2"
}

need png.h libpng-dev
need jpeglib.h libjpeg62-turbo-dev
need webp/mux.h libwebp-dev
need tiff.h libtiff-dev
need zip.h libzip-dev
need zlib.h zlib1g-dev
need yaml.h libyaml-dev
need hdf5.h libhdf5-dev
if ! command -v pkg-config >/dev/null 2>&1; then missing="$missing pkg-config"; fi
if [ -z "$missing" ]; then exit 0; fi

if [ "$(uname)" = Darwin ]; then
  echo "Swiftlet needs some C libraries. Please run: brew install libpng jpeg-turbo webp libtiff libzip libyaml hdf5 pkg-config" >&2
  exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "Swiftlet needs these packages, by their Debian names:$missing" >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then run=""; elif command -v sudo >/dev/null 2>&1; then run=sudo; else
  echo "Swiftlet needs these packages; please install them as root: apt-get install$missing" >&2
  exit 1
fi
echo "Installing$missing"
$run apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $missing
