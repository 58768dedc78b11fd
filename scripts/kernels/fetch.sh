#!/bin/sh
# fetch.sh <cache> <name>:<Debian package>: a stock kernel in <cache>/<name>, with an initramfs that mounts what vm.sh shares.
# Downloads with apt-get and installs nothing. Debian packages that it needs: kmod xz-utils cpio busybox-static
set -e
here=$(cd "$(dirname "$0")" && pwd) cache=$1 name=${2%%:*} package=${2#*:}
kernel=$cache/$name
# A meta package depends on the kernel's.
case $package in
  linux-image-[0-9]*+*) ;;
  *) package=$(apt-cache depends "$package" | sed -n 's/^ *Depends: \(linux-image-[^ ]*\).*/\1/p' | head -1) ;;
esac
[ -n "$package" ] || { echo "fetch.sh: apt knows no kernel ${2#*:}; try apt-get update" >&2; exit 1; }
# Also made again when init changes, because the initramfs has it.
ready="$package $(cksum < "$here/init")"
[ "$(cat "$kernel/ready" 2>/dev/null)" = "$ready" ] && exit 0
rm -rf "$kernel"
mkdir -p "$kernel/download"
(cd "$kernel/download" && apt-get download -q "$package" >&2)
dpkg -x "$kernel"/download/*.deb "$kernel"
rm -rf "$kernel/download" "$kernel/usr"
version=$(ls "$kernel/lib/modules")
echo "$version" > "$kernel/version"
# Compressed modules load slowly under emulation, so those that are used are unpacked once.
for folder in net drivers/net drivers/scsi; do
  find "$kernel/lib/modules/$version/kernel/$folder" -name '*.ko.xz' -exec xz -d {} +
done
depmod -b "$kernel" "$version"
root=$kernel/initramfs
mkdir -p "$root/bin" "$root/boot-modules"
cp /bin/busybox "$root/bin/busybox"
cp "$here/init" "$root/init"
chmod +x "$root/init"
# The modules that mounting needs, in the order in which they are loaded.
for module in virtio_pci 9pnet_virtio 9p overlay; do
  modprobe -d "$kernel" -S "$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++ { printf "%02d %s\n", ++n, $0 }' | while read -r number file; do
  target=$root/boot-modules/$number-$(basename "$file" .xz)
  case $file in *.xz) xz -dc "$file" > "$target" ;; *) cp "$file" "$target" ;; esac
done
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$kernel/initrd.gz"
cp "$kernel"/boot/vmlinuz-* "$kernel/vmlinuz"
echo "$ready" > "$kernel/ready"
