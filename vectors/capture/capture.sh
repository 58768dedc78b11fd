#!/bin/bash
# SPDX-License-Identifier: MIT
# Regenerates vectors/queue/*.hex, vectors/log/*.hex, vectors/nftables/*.hex and vectors/conntrack/*.hex from this machine's kernel;
# "capture.sh queue" (log, nftables, conntrack) only the one; "capture.sh measure" prints what nfnetlink_log does here and writes nothing. Needs root (or: unshare -Ur first), gcc, iptables,
# nftables, conntrack, python3, iproute2, libnetfilter-queue-dev, libmnl-dev and node. Everything happens in network and mount namespaces of its own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ "${1:-}" != inside ]; then
  case "${1:-all}" in all | queue | log | nftables | conntrack | measure) ;; *) echo "usage: $0 [queue|log|nftables|conntrack|measure]" >&2; exit 2 ;; esac
  exec unshare --net --mount --propagation private "$0" inside "${1:-all}"
fi
part=$2

work=$(mktemp -d)
pids=()
finish() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  if [ -n "${NET_CLS:-}" ]; then
    rmdir "$NET_CLS/ringlink" 2>/dev/null || true
    umount "$NET_CLS" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

case $part in all | queue) gcc -std=gnu17 -O1 -Wall -Wextra -o "$work/queue" "$here/queue.c" -lnetfilter_queue -lmnl ;; esac
case $part in all | log | measure) gcc -std=gnu17 -O1 -Wall -Wextra -o "$work/log" "$here/log.c" -lmnl ;; esac

case $part in all | nftables | conntrack)
  gcc -std=gnu17 -O1 -Wall -Wextra -shared -fPIC -o "$work/listen.so" "$here/listen.c" -ldl ;;
esac
case $part in all | nftables)
  gcc -std=gnu17 -O1 -Wall -Wextra -o "$work/nftables-send" "$here/nftables-send.c" ;;
esac

# Two namespaces at the end of two veth pairs each: eth0 is routed (10.9.1.0/24 and 10.9.2.0/24), eth1 is bridged (10.9.3.0/24).
neighbour() { # name of our end, namespace, address of the other end's last MAC byte group
  nsenter -t "$1" -n "${@:2}"
}
unshare --net sleep 300 & NS_A=$!; pids+=($NS_A)
unshare --net sleep 300 & NS_B=$!; pids+=($NS_B)
for _ in $(seq 50); do
  [ "$(readlink /proc/$NS_A/ns/net)" != "$(readlink /proc/self/ns/net)" ] &&
    [ "$(readlink /proc/$NS_B/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break
  sleep 0.1
done

sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.auto_flowlabels=0 net.ipv4.ip_forward=1
neighbour $NS_A sysctl -qw net.ipv6.conf.default.disable_ipv6=1
neighbour $NS_B sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip link set lo mtu 1500 up
pair() { # our name, our MAC, namespace, its name, its MAC
  ip link add "$1" address "$2" type veth peer name "$4" address "$5" netns "$3"
  ip link set "$1" up
  neighbour "$3" ip link set "$4" up
}
pair va 02:00:00:00:0a:01 $NS_A eth0 02:00:00:00:0a:02
pair vb 02:00:00:00:0b:01 $NS_B eth0 02:00:00:00:0b:02
ip link add br0 address 02:00:00:00:0e:01 type bridge
ip link set br0 up
pair pa 02:00:00:00:0c:01 $NS_A eth1 02:00:00:00:0c:02
pair pb 02:00:00:00:0d:01 $NS_B eth1 02:00:00:00:0d:02
ip link set pa master br0
ip link set pb master br0
ip address add 10.9.1.1/24 dev va
ip address add 10.9.2.1/24 dev vb
neighbour $NS_A ip address add 10.9.1.2/24 dev eth0
neighbour $NS_B ip address add 10.9.2.2/24 dev eth0
neighbour $NS_A ip route add default via 10.9.1.1
neighbour $NS_B ip route add default via 10.9.2.1
neighbour $NS_A ip address add 10.9.3.2/24 dev eth1
neighbour $NS_B ip address add 10.9.3.3/24 dev eth1
# No ARP on the wire: who is who is told in advance.
ip neighbour add 10.9.1.2 lladdr 02:00:00:00:0a:02 dev va nud permanent
ip neighbour add 10.9.2.2 lladdr 02:00:00:00:0b:02 dev vb nud permanent
neighbour $NS_A ip neighbour add 10.9.1.1 lladdr 02:00:00:00:0a:01 dev eth0 nud permanent
neighbour $NS_B ip neighbour add 10.9.2.1 lladdr 02:00:00:00:0b:01 dev eth0 nud permanent
neighbour $NS_A ip neighbour add 10.9.3.3 lladdr 02:00:00:00:0d:02 dev eth1 nud permanent
neighbour $NS_B ip neighbour add 10.9.3.2 lladdr 02:00:00:00:0c:02 dev eth1 nud permanent

# A control group with a net_cls id, where the kernel has that controller.
mkdir "$work/net_cls"
if mount -t cgroup -o net_cls net_cls "$work/net_cls" 2>/dev/null; then
  NET_CLS=$work/net_cls
  mkdir "$NET_CLS/ringlink"
  echo 0x00010003 >"$NET_CLS/ringlink/net_cls.classid"
fi

export NS_A NS_B NET_CLS=${NET_CLS:-}
if [ "$part" = measure ]; then
  timeout 120 "$work/log" measure
  exit
fi

capture() { # queue, log, nftables or conntrack: its raw records, its folder; then the program
  timeout 120 "${@:2}" >"$work/$1.txt"
  {
    echo "kernel: $(uname -sr | sed 's/-.*//') $(uname -m) (little endian)"
    echo "date: $(date -u +%F)"
    echo
    cat "$work/$1.txt"
  } >"$here/$1.raw.txt"
  if command -v node >/dev/null; then
    node "$here/annotate.mjs" "$here/$1.raw.txt" "$here/../$1"
  fi
}
case $part in all | queue) capture queue "$work/queue" ;; esac
case $part in all | log) capture log "$work/log" ;; esac
# Last, each in a namespace of its own: the other two want no rules but theirs.
case $part in all | conntrack)
  capture conntrack unshare --net bash -c 'ip link set lo up; node "$@"' - "$here/conntrack.mjs" "$work/listen.so" ;;
esac
case $part in all | nftables)
  capture nftables unshare --net bash -c 'ip link set lo up; ip link add v0 type veth; node "$@"' - "$here/nftables.mjs" "$work/listen.so" "$work/nftables-send" ;;
esac
if command -v node >/dev/null; then
  node "$here/invalid.mjs"
  node "$here/verify.mjs"
fi
