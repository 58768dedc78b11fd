#!/bin/bash
# vm.sh <kernel folder> <project> <result folder> <MiB> <processors> <seconds> <command>
# Runs a command as root on a kernel that fetch.sh made, under emulation (no KVM is needed), in a copy-on-write view of the
# project. /usr is this machine's, read-only. Prints what the command prints and exits as it does; what it leaves in /run/out is
# in the result folder, with the kernel's log. Debian package: qemu-system-x86
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1 project=$2 out=$3 memory=$4 processors=$5 limit=$6 command=$7
mkdir -p "$out/etc"
rm -f "$out/rc"
cp -L /etc/passwd /etc/group /etc/protocols /etc/services /etc/ld.so.cache /etc/nsswitch.conf "$out/etc/" 2>/dev/null
cp -r /etc/alternatives /etc/ld.so.conf /etc/ld.so.conf.d "$out/etc/" 2>/dev/null
echo '127.0.0.1 localhost stock' > "$out/etc/hosts"
cp "$here/modules" "$out/modules"
printf '%s\n' "$command" > "$out/command.sh"
share() {
  echo "-fsdev local,id=$1,path=$2,security_model=none,multidevs=remap$3 -device virtio-9p-pci,fsdev=$1,mount_tag=$1"
}
# `--foreground` keeps the guest in the group of this script, which main.mjs ends when it is ended itself.
# Without no_timer_check a machine that is busy panics at boot: the kernel thinks that its timer does not tick.
# shellcheck disable=SC2046 # words of share()
nice -n "${NICE:-10}" timeout --foreground "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp "$processors" -m "$memory" \
  -nodefaults -display none -no-reboot -kernel "$kernel/vmlinuz" -initrd "$kernel/initrd.gz" \
  -append 'console=ttyS0 quiet panic=-1 mitigations=off nokaslr no_timer_check' \
  -chardev "file,id=console,path=$out/console" -serial chardev:console \
  -chardev stdio,id=run,signal=off -serial chardev:run \
  $(share usr /usr ,readonly=on) $(share kernel "$kernel" ,readonly=on) $(share work "$project" ,readonly=on) \
  $(share out "$out") < /dev/null
status=$?
[ -e "$out/rc" ] && exit "$(cat "$out/rc")"
echo "vm.sh: the machine ended without a result (qemu: $status, 124 is the time limit of $limit s); see $out/console" >&2
tail -5 "$out/console" >&2
exit 125
