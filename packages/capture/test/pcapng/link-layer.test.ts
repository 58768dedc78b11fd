import { describe, expect, test } from 'vitest'
import { LinkType, openLinkLayer, type PacketBlock } from '../../src/pcapng/index.ts'
import { hex } from '../support/captures.ts'

const open = (linkType: number, text: string, byteOrder: 'little' | 'big' = 'little') => {
  const bytes = hex(text)
  const packet: PacketBlock = {
    ...{ type: 'packet', interface: 0, linkType, at: 0n, bytes, fullLength: bytes.length, byteOrder },
    ...{ comment: undefined, dropCount: undefined, direction: undefined },
  }
  return openLinkLayer(packet)
}

const ETHERNET = '000102030405 060708090a0b'
const network = (etherType: number, offset: number) => ({ kind: 'network', etherType, offset })

describe('a packet after its link layer', () => {
  test.each([
    ['Ethernet', LinkType.Ethernet, `${ETHERNET} 0800 45`, network(0x0800, 14)],
    ['Ethernet with a VLAN', LinkType.Ethernet, `${ETHERNET} 8100 0005 86dd 60`, network(0x86dd, 18)],
    ['Ethernet with two VLANs', LinkType.Ethernet, `${ETHERNET} 88a8 0005 8100 0006 0806 00`, network(0x0806, 22)],
    ['Ethernet, cut in the tag', LinkType.Ethernet, `${ETHERNET} 8100 00`, undefined],
    ['Ethernet, cut', LinkType.Ethernet, '0001', undefined],
    ['Linux cooked', LinkType.LinuxCooked, '0000 0001 0006 000102030405 0000 0800 45', network(0x0800, 16)],
    [
      'Linux cooked, tagged',
      LinkType.LinuxCooked,
      '0000 0001 0006 000102030405 0000 8100 0005 86dd 60',
      network(0x86dd, 20),
    ],
    ['Linux cooked, cut', LinkType.LinuxCooked, '0000 0001 0006 000102030405 0000 08', undefined],
    [
      'Linux cooked, of nlmon',
      LinkType.LinuxCooked,
      '0000 0338 0000 0000000000000000 000c 00',
      { kind: 'netlink', protocol: 12, offset: 16 },
    ],
    [
      'Linux cooked 2',
      LinkType.LinuxCooked2,
      '86dd 0000 00000003 0001 04 06 000102030405 0000 60',
      network(0x86dd, 20),
    ],
    [
      'Linux cooked 2, of nlmon',
      LinkType.LinuxCooked2,
      '0010 0000 00000003 0338 04 00 0000000000000000 00',
      { kind: 'netlink', protocol: 16, offset: 20 },
    ],
    ['Linux cooked 2, cut', LinkType.LinuxCooked2, '86dd 0000 00000003 0001 04 06', undefined],
    [
      'netlink',
      LinkType.Netlink,
      '0006 0338 0000 0000000000000000 000c 10',
      { kind: 'netlink', protocol: 12, offset: 16 },
    ],
    ['raw IPv4', LinkType.Raw, '45', network(0x0800, 0)],
    ['raw IPv6', LinkType.Raw, '60', network(0x86dd, 0)],
    ['raw as old programs number it', 12, '60', network(0x86dd, 0)],
    ['raw as OpenBSD numbers it', 14, '45', network(0x0800, 0)],
    ['raw, nothing of it', LinkType.Raw, '', network(0x0800, 0)],
    ['IPv4', LinkType.Ipv4, '45', network(0x0800, 0)],
    ['IPv6', LinkType.Ipv6, '60', network(0x86dd, 0)],
    ['BSD loopback, IPv4', LinkType.Null, '02000000 45', network(0x0800, 4)],
    ['BSD loopback of Darwin, IPv6', LinkType.Null, '1e000000 60', network(0x86dd, 4)],
    ['BSD loopback of FreeBSD, IPv6', LinkType.Null, '1c000000 60', network(0x86dd, 4)],
    ['BSD loopback of another order', LinkType.Null, '0000001e 60', network(0x86dd, 4)],
    ['OpenBSD loopback, IPv6', LinkType.Loop, '00000018 60', network(0x86dd, 4)],
    ['BSD loopback of another family', LinkType.Null, '07000000 45', undefined],
    ['BSD loopback, cut', LinkType.Null, '020000', undefined],
    ['NFLOG', LinkType.Nflog, '02000005', { kind: 'log', offset: 0 }],
    ['another link type', 147, '45', undefined],
  ])('%s', (_, linkType, text, contents) => {
    expect(open(linkType, text)).toEqual(contents)
  })

  test('BSD loopback of a big-endian machine', () => {
    expect(open(LinkType.Null, '00000002 45', 'big')).toEqual(network(0x0800, 4))
  })
})
