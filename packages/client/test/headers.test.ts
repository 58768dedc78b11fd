import { Family, Hook, LogMessage, LogRecordView, Memory, MessageIterator } from '@ringlink/codec'
import { EtherType, PacketView, packetText, udpPacket } from '@ringlink/packet'
import { loadVectors } from '@ringlink/test-support/vectors'
import { describe, expect, test } from 'vitest'
import { aimHeaders, type PacketMessage } from '../src/headers.ts'

const view = new PacketView()

/** Every packet that a kernel logged, with the name of the file that holds it. */
const logged = loadVectors('log').flatMap(({ name, from, bytes }) => {
  const messages = new MessageIterator().wrap(Memory.from(bytes), 0, bytes.length)
  const records: { name: string; record: LogRecordView }[] = []
  while (messages.next()) {
    const { type, memory, offset, length } = messages.view
    if (from === 'kernel' && type === LogMessage.Packet)
      records.push({ name, record: new LogRecordView().wrap(memory, offset, length) })
  }
  return records
})

const lineOf = (message: PacketMessage) => packetText(aimHeaders(view, message))

describe('records of a kernel', () => {
  test.each([
    ['packet-netdev-egress', 'IP 10.9.1.1.40000 > 10.9.1.2.5000: UDP, length 6'],
    ['packet-netdev-ingress-vlan', 'IP 10.9.1.2.40000 > 10.9.1.1.5000: UDP, length 16'],
    ['packet-inet-ingress', 'IP 10.9.1.2.40000 > 10.9.1.1.5000: UDP, length 12'],
    ['packet-bridge-vlan', 'IP 10.9.3.2.40000 > 10.9.3.3.5000: UDP, length 15'],
    ['packet-bridge-ebtables', 'IP 10.9.3.2.40000 > 10.9.3.3.5000: UDP, length 8'],
  ])('%s', (name, line) => {
    const record = logged.find((one) => one.name === name)?.record as LogRecordView
    expect(lineOf(record)).toBe(line)
    expect(view.vlanId).toBe(name.endsWith('vlan') ? 5 : undefined)
    expect(view.linkOffset >= 0).toBe(name === 'packet-netdev-egress')
  })

  test('headers are located in each record with a payload', () => {
    const withPayload = logged.filter(({ record }) => record.payloadLength >= 28)
    expect(withPayload.length).toBeGreaterThan(60)
    for (const { name, record } of withPayload) {
      aimHeaders(view, record)
      expect([name, view.problem]).toEqual([name, undefined])
      expect([name, view.etherType]).toEqual([name, record.protocol])
      if (record.protocol === EtherType.Ipv4 || record.protocol === EtherType.Ipv6) {
        expect([name, String(view.source)]).not.toEqual([name, 'undefined'])
      }
    }
  })

  test('with protocol 0, as some kernels log it, the family or the IP version locates them too', () => {
    const lines = new Set<string>()
    for (const { name, record } of logged) {
      if (record.payloadLength === 0 || record.protocol === EtherType.Arp) continue
      const { memory, payloadOffset, payloadLength, family, hook, vlanTag } = record
      const line = lineOf(record)
      lines.add(line)
      expect([name, lineOf({ memory, payloadOffset, payloadLength, family, hook, vlanTag, protocol: 0 })]).toEqual([
        name,
        line,
      ])
    }
    expect(lines.size).toBeGreaterThan(30)
  })
})

const udp = udpPacket({
  source: '192.0.2.1',
  destination: '198.51.100.7',
  sourcePort: 5000,
  destinationPort: 53,
  payload: 'query',
})

function message(payload: Uint8Array, how: Partial<PacketMessage> = {}): PacketMessage {
  const memory = Memory.from(payload)
  const base = {
    memory,
    payloadOffset: 0,
    payloadLength: payload.length,
    family: Family.Ipv4,
    protocol: 0,
    hook: Hook.Input,
  }
  return { ...base, vlanTag: undefined, ...how }
}

test('a device without a link layer has no Ethernet header at egress', () => {
  const egress = { family: Family.NetworkDevice, hook: 1 as Hook, protocol: EtherType.Ipv4 }
  expect(lineOf(message(udp, egress))).toBe('IP 192.0.2.1.5000 > 198.51.100.7.53: UDP, length 5')
})

test('protocol 0 of the family arp', () => {
  const arp = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2)
  expect(lineOf(message(arp, { family: Family.Arp }))).toBe('ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28')
})
