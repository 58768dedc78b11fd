#!/usr/bin/python3
"""Makes the captures in this folder: packets of every kind that @ringlink/packet reads, in Ethernet frames.

Needs scapy, tshark and tcpdump (Debian: python3-scapy, tshark, tcpdump). `./make.py` writes NAME.pcap, and beside each of them
NAME.tshark.json, how Wireshark decodes it field by field, and NAME.tcpdump.txt, the line that tcpdump prints for each packet.
Everything is the same at each run: no clock and no random number is used.
"""
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

from scapy.all import (
    AH, ARP, ESP, GRE, ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest,
    ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU,
    ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPOption_Router_Alert, IPOption_RR,
    IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, RouterAlert, fragment,
    fragment6, raw, wrpcap,
)
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit, SCTPChunkSACK

HERE = Path(__file__).parent
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
FOUR = IP(src="192.0.2.1", dst="198.51.100.7", id=0x1234, ttl=64)
SIX = IPv6(src="2001:db8::1", dst="2001:db8:0:1::7", hlim=64)
TEXT = b"ringlink, packet by packet"


def patched(packet, offset, value):
    """The packet's bytes with some of them overwritten, for what scapy does not write."""
    data = bytearray(raw(packet))
    data[offset:offset + len(value)] = value
    return Ether(bytes(data))


def cut(packet, length):
    return raw(packet)[:length]


def udp_lite(coverage):
    """scapy has no UDP-Lite: header and payload by hand, the checksum over the pseudo header and what is covered."""
    length = 8 + len(TEXT)
    body = bytes([0x30, 0x39, 0xd4, 0x31, coverage >> 8, coverage & 255, 0, 0]) + TEXT
    covered = body[:coverage or length]
    pseudo = bytes([192, 0, 2, 1, 198, 51, 100, 7, 0, 136, length >> 8, length & 255])
    data = pseudo + covered + b"\0" * (len(covered) & 1)
    total = sum(data[i] << 8 | data[i + 1] for i in range(0, len(data), 2))
    while total > 0xffff:
        total = (total >> 16) + (total & 0xffff)
    checksum = ~total & 0xffff
    return body[:6] + bytes([checksum >> 8, checksum & 255]) + body[8:]


def ipv4():
    udp = UDP(sport=12345, dport=54321)
    yield ETHER / FOUR / udp / TEXT
    yield ETHER / FOUR / udp  # 18 bytes of padding follow on the wire; scapy writes none
    yield raw(ETHER / FOUR / udp / b"x") + b"\0" * 17  # padding of a short frame
    yield patched(ETHER / FOUR / udp / TEXT, 40, b"\0\0")  # no UDP checksum
    yield patched(ETHER / FOUR / udp / TEXT, 40, b"\x12\x34")  # a wrong one
    yield patched(ETHER / FOUR / udp / TEXT, 24, b"\x12\x34")  # a wrong header checksum
    yield ETHER / IP(src="192.0.2.1", dst="224.0.0.1", ttl=1, tos=0xb8, options=[IPOption_Router_Alert()]) / udp / TEXT
    yield ETHER / IP(src="192.0.2.1", dst="198.51.100.7", options=[IPOption_RR(length=11, routers=["10.0.0.1", "0.0.0.0"])]) / udp / TEXT
    yield ETHER / IP(src="192.0.2.1", dst="198.51.100.7", flags="DF", tos=3) / TCP(sport=40000, dport=8000, flags="S", seq=1000, window=64240, options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1234567, 0)), ("NOP", None), ("WScale", 7)])
    yield ETHER / FOUR / TCP(sport=8000, dport=40000, flags="SA", seq=5000, ack=1001, window=65160, options=[("MSS", 1460), ("NOP", None), ("WScale", 7)])
    yield ETHER / FOUR / TCP(sport=40000, dport=8000, flags="PA", seq=1001, ack=5001, window=502, options=[("NOP", None), ("NOP", None), ("Timestamp", (1234570, 99))]) / TEXT
    yield ETHER / FOUR / TCP(sport=40000, dport=8000, flags="A", seq=1027, ack=5001, window=502, options=[("NOP", None), ("NOP", None), ("SAck", (6000, 7000, 8000, 9000))])
    yield ETHER / FOUR / TCP(sport=40000, dport=8000, flags="FPUECA", seq=1, ack=2, urgptr=5) / TEXT
    yield ETHER / FOUR / TCP(sport=40000, dport=8000, flags="R", seq=4294967295)
    yield ETHER / FOUR / ICMP(type=8, id=77, seq=3) / TEXT
    yield ETHER / FOUR / ICMP(type=0, id=77, seq=3) / TEXT
    quoted = raw(IP(src="198.51.100.7", dst="192.0.2.1", id=7) / UDP(sport=1111, dport=2222) / TEXT)
    yield ETHER / FOUR / ICMP(type=3, code=3) / quoted
    yield ETHER / FOUR / ICMP(type=3, code=4, nexthopmtu=1280) / quoted[:28]
    yield ETHER / FOUR / ICMP(type=3, code=1) / quoted
    yield ETHER / FOUR / ICMP(type=11, code=0) / quoted[:28]
    yield ETHER / FOUR / ICMP(type=5, code=1, gw="192.0.2.254") / quoted[:28]
    yield from (ETHER / part for part in fragment(FOUR / UDP(sport=12345, dport=54321) / (TEXT * 8), 64))
    yield ETHER / IP(src="192.0.2.1", dst="198.51.100.7", proto=136) / udp_lite(0)
    yield ETHER / IP(src="192.0.2.1", dst="198.51.100.7", proto=136) / udp_lite(16)
    yield ETHER / IP(src="192.0.2.1", dst="198.51.100.7", proto=253) / TEXT
    yield ETHER / FOUR / AH(spi=9, seq=1, payloadlen=4, icv=b"\1" * 12, nh=17) / udp / TEXT
    yield ETHER / FOUR / ESP(spi=9, seq=1, data=TEXT)


def ipv6():
    udp = UDP(sport=12345, dport=54321)
    tcp = TCP(sport=40000, dport=8000, flags="PA", seq=1, ack=2, options=[("NOP", None), ("NOP", None), ("Timestamp", (1, 2))])
    yield ETHER / SIX / udp / TEXT
    yield ETHER / IPv6(src="2001:db8::1", dst="2001:db8::2", tc=0xb8, fl=0xabcde, hlim=3) / tcp / TEXT
    yield ETHER / SIX / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / udp / TEXT
    yield ETHER / SIX / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / tcp / TEXT
    yield ETHER / SIX / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(type=0, segleft=0, addresses=["2001:db8::9"]) / IPv6ExtHdrDestOpt() / udp / TEXT
    yield ETHER / SIX / IPv6ExtHdrRouting(type=0, segleft=1, addresses=["2001:db8::9"]) / udp / TEXT
    yield ETHER / SIX / AH(spi=9, seq=1, payloadlen=4, icv=b"\1" * 12, nh=6) / tcp / TEXT
    yield from (ETHER / part for part in fragment6(SIX / IPv6ExtHdrFragment(id=0xdeadbeef) / udp / (TEXT * 60), 600))
    yield ETHER / SIX / IPv6ExtHdrFragment(id=5) / udp / TEXT  # an atomic fragment
    yield ETHER / IPv6(src="2001:db8::1", dst="2001:db8::2", nh=59) / TEXT
    yield ETHER / IPv6(src="2001:db8::1", dst="2001:db8::2", nh=253) / TEXT
    yield ETHER / SIX / ICMPv6EchoRequest(id=77, seq=3, data=TEXT)
    yield ETHER / SIX / ICMPv6EchoReply(id=77, seq=3, data=TEXT)
    quoted = raw(IPv6(src="2001:db8:0:1::7", dst="2001:db8::1") / UDP(sport=1111, dport=2222) / TEXT)
    yield ETHER / SIX / ICMPv6DestUnreach(code=4) / Raw(quoted)
    yield ETHER / SIX / ICMPv6PacketTooBig(mtu=1280) / Raw(quoted)
    yield ETHER / SIX / ICMPv6TimeExceeded() / Raw(quoted)
    link = {"src": "fe80::1", "hlim": 255}
    yield ETHER / IPv6(dst="ff02::1:ff00:2", **link) / ICMPv6ND_NS(tgt="fe80::2") / ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01")
    yield ETHER / IPv6(dst="fe80::2", **link) / ICMPv6ND_NA(tgt="fe80::1", R=1, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:01")
    yield ETHER / IPv6(dst="ff02::2", **link) / ICMPv6ND_RS()
    yield ETHER / IPv6(dst="ff02::1", **link) / ICMPv6ND_RA(chlim=64, M=1, O=1, routerlifetime=1800, reachabletime=30000, retranstimer=1000) / ICMPv6NDOptMTU(mtu=1400) / ICMPv6NDOptPrefixInfo(prefix="2001:db8:5::", prefixlen=64)
    yield ETHER / IPv6(dst="fe80::2", **link) / ICMPv6ND_Redirect(tgt="fe80::9", dst="2001:db8::77")
    yield ETHER / IPv6(src="::ffff:192.0.2.1", dst="2001:0:0:1::", hlim=1) / udp / TEXT
    yield patched(ETHER / SIX / udp / TEXT, 60, b"\x12\x34")  # a wrong UDP checksum


def link():
    inner = FOUR / UDP(sport=12345, dport=54321) / TEXT
    yield ETHER / Dot1Q(vlan=100, prio=5) / inner
    yield ETHER / Dot1AD(vlan=200, prio=3, id=1) / Dot1Q(vlan=100) / inner
    yield ETHER / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / SIX / UDP(sport=1, dport=2)
    yield ETHER / ARP(op=1, hwsrc="02:00:00:00:00:01", psrc="192.0.2.1", hwdst="00:00:00:00:00:00", pdst="192.0.2.2")
    yield raw(ETHER / ARP(op=2, hwsrc="02:00:00:00:00:02", psrc="192.0.2.2", hwdst="02:00:00:00:00:01", pdst="192.0.2.1")) + b"\0" * 18
    yield ETHER / Dot1Q(vlan=7) / ARP(op=1, psrc="192.0.2.1", pdst="192.0.2.2", hwsrc="02:00:00:00:00:01")
    yield Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x88b5) / TEXT


def tunnels():
    inner = IP(src="10.0.0.1", dst="10.0.0.2", id=1) / UDP(sport=12345, dport=54321) / TEXT
    inner6 = IPv6(src="fd00::1", dst="fd00::2") / TCP(sport=40000, dport=8000, flags="A", seq=1, ack=1) / TEXT
    yield ETHER / FOUR / inner
    yield ETHER / FOUR / inner6
    yield ETHER / SIX / inner
    yield ETHER / SIX / inner6
    yield ETHER / FOUR / GRE() / inner
    yield ETHER / FOUR / GRE(key_present=1, key=0xcafe, seqnum_present=1, seqence_number=9) / inner6
    yield ETHER / FOUR / GRE(chksum_present=1) / inner
    yield ETHER / FOUR / GRE(proto=0x6558) / Ether(src="02:00:00:00:00:03", dst="02:00:00:00:00:04") / inner
    yield ETHER / FOUR / IP(src="10.1.0.1", dst="10.1.0.2") / GRE() / inner
    sctp = SCTP(sport=5000, dport=5001, tag=0x01020304)
    yield ETHER / FOUR / SCTP(sport=5000, dport=5001, tag=0) / SCTPChunkInit(init_tag=7, a_rwnd=1500, n_out_streams=2, n_in_streams=2, init_tsn=1)
    yield ETHER / FOUR / sctp / SCTPChunkData(tsn=1, data=TEXT, beginning=1, ending=1)
    yield ETHER / SIX / sctp / SCTPChunkSACK(cumul_tsn_ack=1, a_rwnd=1500) / SCTPChunkData(tsn=2, data=TEXT[:5], beginning=1, ending=1)


def damaged():
    """What no sender means to write: cut, too long, of another version. Only what both sides can agree on is compared."""
    whole = ETHER / FOUR / UDP(sport=12345, dport=54321) / TEXT
    tcp = ETHER / FOUR / TCP(sport=40000, dport=8000, flags="PA", seq=1, ack=2) / TEXT
    # an extension header that is longer than the packet
    yield ETHER / IPv6(src="2001:db8::1", dst="2001:db8::2", nh=60) / Raw(bytes([17, 0xc8, 0, 0, 0, 0, 0, 0]) + bytes(8))
    yield cut(whole, 60)
    yield cut(whole, 40)
    yield cut(whole, 30)
    yield cut(tcp, 50)
    yield cut(ETHER / SIX / IPv6ExtHdrDestOpt() / UDP(sport=1, dport=2) / TEXT, 60)
    yield patched(whole, 14, b"\x42")  # a header of 8 bytes
    yield patched(whole, 16, b"\x00\x0a")  # a total length below the header
    yield patched(whole, 38, b"\x00\x04")  # a UDP length below its header
    yield patched(tcp, 46, b"\x20")  # a data offset below 20 bytes
    yield patched(tcp, 46, b"\xf0")  # a data offset beyond the packet


CAPTURES = {"ipv4": ipv4, "ipv6": ipv6, "link": link, "tunnels": tunnels, "damaged": damaged}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def decode(path):
    """Wireshark's decoding: for each packet the protocols and every field's value, several where a field is there twice."""
    options = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
               "sctp.checksum:CRC32C", "tcp.relative_sequence_numbers:FALSE", "tcp.analyze_sequence_numbers:FALSE", "udplite.ignore_checksum_coverage:FALSE"]
    arguments = [argument for option in options for argument in ("-o", option)]
    out = run("tshark", "-n", "-r", str(path), "-T", "pdml", *arguments)
    packets = []
    for packet in tree.fromstring(out):
        fields = {}
        protocols = [p.get("name") for p in packet if p.get("name") not in ("geninfo", "frame", "fake-field-wrapper", "data")]
        for proto in packet:
            if proto.get("name") in ("geninfo", "frame"):
                continue
            for field in proto.iter("field"):
                name, show = field.get("name"), field.get("show")
                if name and show is not None and name.split(".")[0] in KEEP and not NOISE.search(name):
                    fields.setdefault(name, []).append(show)
        packets.append({"protocols": protocols, "fields": fields})
    return packets


KEEP = {"eth", "vlan", "ieee8021ad", "arp", "ip", "ipv6", "tcp", "udp", "udplite", "icmp", "icmpv6", "sctp", "gre", "ah"}

# What Wireshark computes from other packets, repeats, or computes from bytes that are not a header.
NOISE = re.compile(r"resolved|oui|\.lg$|\.ig$|stream|time_|host$|payload$|completeness|\.addr$|\.port$|connection|calculated|flags\.str|assoc_index")

if __name__ == "__main__":
    for name, packets in CAPTURES.items():
        path = HERE / f"{name}.pcap"
        frames = [raw(packet) for packet in packets()]
        # wrpcap writes the clock; a capture's header and records by hand are the same at each run.
        data = bytearray(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
        for index, frame in enumerate(frames):
            data += (1700000000 + index).to_bytes(4, "little") + bytes(4) + len(frame).to_bytes(4, "little") * 2 + frame
        path.write_bytes(bytes(data))
        decoded = decode(path)
        lines = [json.dumps(packet, separators=(",", ":")) for packet in decoded]
        (HERE / f"{name}.tshark.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
        (HERE / f"{name}.tcpdump.txt").write_text(run("tcpdump", "-n", "-t", "-S", "-r", str(path)))
        print(name, len(frames), "packets")
    sys.exit(0)
