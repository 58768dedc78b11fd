/** Lines are those of tcpdump, except where a test says otherwise. */
import { describe, expect, test } from 'vitest'
import { PacketView, packetContents, packetEnds, packetText } from '../src/index.ts'
import { CAPTURES, type CaptureName, embed, loadFrames, loadLines } from './captures.ts'

const packet = new PacketView()

function textOf(frame: Uint8Array): string {
  const { memory, offset, length } = embed(frame)
  return packetText(packet.wrap(memory, offset, length, { from: 'ethernet' }))
}

/** Our text where it differs, by the number of the packet in its capture. */
const OTHER: Readonly<Record<CaptureName, Readonly<Record<number, string>>>> = {
  ipv4: {
    // tcpdump does not know UDP-Lite.
    25: 'IP 192.0.2.1.12345 > 198.51.100.7.54321: UDP-Lite, length 26',
    26: 'IP 192.0.2.1.12345 > 198.51.100.7.54321: UDP-Lite, length 26',
    // The integrity value is left out.
    28: 'IP 192.0.2.1 > 198.51.100.7: AH(spi=0x00000009,seq=0x1): 12345 > 54321: UDP, length 26',
  },
  ipv6: {
    // Routes are left out.
    4: 'IP6 2001:db8::1 > 2001:db8:0:1::7: HBH RT6 (type=0, segleft=0) DSTOPT 12345 > 54321: UDP, length 26',
    5: 'IP6 2001:db8::1 > 2001:db8:0:1::7: RT6 (type=0, segleft=1) 12345 > 54321: UDP, length 26',
    6: 'IP6 2001:db8::1 > 2001:db8:0:1::7: AH(spi=0x00000009,seq=0x1): 40000 > 8000: Flags [P.], seq 1:27, ack 2, win 8192, options [nop,nop,TS val 1 ecr 2], length 26',
  },
  // tcpdump prints both addresses and all bytes of a packet that it does not know.
  link: { 6: 'ethertype 0x88b5, length 26' },
  tunnels: {
    // The contents of chunks are left out.
    9: 'IP 192.0.2.1.5000 > 198.51.100.7.5001: sctp (1) [INIT]',
    10: 'IP 192.0.2.1.5000 > 198.51.100.7.5001: sctp (1) [DATA]',
    11: 'IP6 2001:db8::1.5000 > 2001:db8:0:1::7.5001: sctp (1) [SACK], (2) [DATA]',
  },
  damaged: {
    0: 'IP6 2001:db8::1 > 2001:db8::2: [|extension]',
    2: 'IP truncated-ip - 28 bytes missing! 192.0.2.1.12345 > 198.51.100.7.54321: [|udp]',
    3: 'IP [|ip]',
    4: 'IP truncated-ip - 30 bytes missing! 192.0.2.1.40000 > 198.51.100.7.8000: [|tcp]',
    5: 'IP6 truncated-ip6 - 36 bytes missing! 2001:db8::1 > 2001:db8:0:1::7: [|extension]',
    8: 'IP 192.0.2.1.12345 > 198.51.100.7.54321: bad-udplength 4',
    9: 'IP 192.0.2.1.40000 > 198.51.100.7.8000: tcp 38 [bad hdr length 8 - too short, < 20]',
    10: 'IP 192.0.2.1.40000 > 198.51.100.7.8000: [|tcp]',
  },
}

describe.each(CAPTURES)('%s', (name) => {
  // A packet that tcpdump does not know is followed by its bytes on lines that begin with a tab.
  const lines = loadLines(name).filter((line) => !line.startsWith('\t'))
  test.each(loadFrames(name).map((frame, index) => [index, frame] as const))('packet %i', (index, frame) => {
    expect(textOf(frame)).toBe(OTHER[name][index] ?? lines[index])
  })
})

test('the parts of a line are available apart', () => {
  textOf(loadFrames('ipv4')[0] as Uint8Array)
  expect(packetEnds(packet)).toBe('192.0.2.1.12345 > 198.51.100.7.54321')
  expect(packetContents(packet)).toBe('UDP, length 26')
  textOf(loadFrames('link')[3] as Uint8Array)
  expect(packetEnds(packet)).toBe('')
  expect(packetContents(packet)).toBe('Request who-has 192.0.2.2 tell 192.0.2.1, length 28')
})
