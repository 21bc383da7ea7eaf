#!/bin/sh
# Runs what 'make dist' made in bare Debian systems that it installs below a temporary folder, as root.
#   Tools/check_distribution.sh ARCHIVE [RELEASE|ROOT ...]      releases of Debian, or folders of systems (default: bookworm trixie)
set -eu
archive=$(readlink -f "$1")
shift
[ $# -gt 0 ] || set -- bookworm trixie
[ "$(id -u)" = 0 ] || { echo "chroot and debootstrap need root" >&2; exit 1; }
work=$(mktemp -d)
trap 'umount "$work/root/proc" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
for system in "$@"; do
  root=$work/root
  if [ -d "$system" ]; then
    cp -a "$system" "$root"
  else
    debootstrap --variant=minbase "$system" "$root" >"$work/log" 2>&1 || { tail -3 "$work/log" >&2; exit 1; }
  fi
  # Nothing of Swift or of the image libraries may be there already.
  if find "$root" -name 'libswift*' -o -name 'libtiff*' -o -name 'libwebp*' | grep -q .; then
    echo "$system is not bare" >&2
    exit 1
  fi
  tar -C "$root/opt" -xJf "$archive"
  mv "$root"/opt/swiftlet-* "$root/opt/swiftlet"
  # As every system that runs has: by it the loader knows where a program lies that was called by a link.
  mount -t proc proc "$root/proc"
  ln -s /opt/swiftlet/bin/swiftlet "$root/usr/local/bin/swiftlet"
  run() { chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/bin "$@"; }
  run swiftlet --version >/dev/null
  for format in png jpg webp tiff bmp; do
    run swiftlet upscale /opt/swiftlet/Examples/chelsea.png --scale 2 -o "/tmp/large.$format" >/dev/null
    run swiftlet upscale "/tmp/large.$format" --scale 1 -o /tmp/again.png >/dev/null
  done
  run swiftlet new edsr --convolution separable -o /tmp/m.safetensors >/dev/null
  run swiftlet convert /tmp/m.safetensors -o /tmp/m.onnx >/dev/null
  run swiftlet bench /tmp/m.onnx --input 1x3x32x32 --runs 3 >/dev/null
  # The same pixels as here, where rates are those of a known family of processors.
  run swiftlet upscale /opt/swiftlet/Examples/chelsea.png --scale 2 -o - -f bmp | cksum >"$work/sum.$(basename "$system")"
  echo "$system: $(run cat /etc/debian_version): enlarges PNG, JPEG, WebP, TIFF and BMP, converts and times a network"
  umount "$root/proc"
  rm -rf --one-file-system "$root"
done
if [ "$(cat "$work"/sum.* | sort -u | wc -l)" != 1 ]; then
  echo "the systems made different pixels" >&2
  exit 1
fi
