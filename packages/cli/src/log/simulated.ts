import { fillChecksum, fillHeaderChecksum, IpProtocol, SimKernel } from '@ringlink/transport-sim'
import { Hook, type Transport, type TransportNeeds } from 'ringlink'

/** milliseconds between two packets */
const INTERVAL = 20
const DNS_QUESTION = Uint8Array.from([
  ...[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  ...[7, ...Buffer.from('example'), 3, ...Buffer.from('org'), 0, 0, 1, 0, 1],
])

/** A simulated kernel that logs a made-up packet now and then: to try the example without Linux, root or rules. */
export function openSimulated(needs: TransportNeeds, groups: readonly number[]): Transport {
  const kernel = new SimKernel()
  for (const group of groups) kernel.addRule({ hook: Hook.Output, log: { group, prefix: `simulated ${group}: ` } })
  const transport = kernel.open(needs)
  const packets = [dnsPacket(), tcpPacket(), pingPacket()]
  let next = 0
  const timer = setInterval(() => {
    kernel.inject(packets[next++ % packets.length] as Uint8Array)
    kernel.clock.advance(INTERVAL)
  }, INTERVAL)
  transport.events.on('close', () => clearInterval(timer))
  return transport
}

function dnsPacket(): Uint8Array {
  return ipv4(IpProtocol.Udp, [0x9c, 0x40, 0, 53, 0, 8 + DNS_QUESTION.length, 0, 0, ...DNS_QUESTION])
}

function tcpPacket(): Uint8Array {
  return ipv4(IpProtocol.Tcp, [0x9c, 0x41, 1, 187, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xfa, 0xf0, 0, 0, 0, 0])
}

function pingPacket(): Uint8Array {
  return ipv4(IpProtocol.Icmp, [8, 0, 0, 0, 0, 1, 0, 1, ...Buffer.from('simulated')])
}

function ipv4(protocol: number, contents: readonly number[]): Uint8Array {
  const addresses = [192, 0, 2, 1, 198, 51, 100, 7]
  const packet = Uint8Array.from([
    0x45,
    0,
    0,
    20 + contents.length,
    0,
    1,
    0x40,
    0,
    64,
    protocol,
    0,
    0,
    ...addresses,
    ...contents,
  ])
  fillHeaderChecksum(packet)
  fillChecksum(packet)
  return packet
}
