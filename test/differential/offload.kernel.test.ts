/**
 * Offloaded connections of the simulated kernel against those of the real one: the same packets are queued, and the
 * same are counted.
 */
import { openQueue, type Queue, type QueueRule } from '@ringlink/client'
import { IpProtocol } from '@ringlink/packet'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { describe, expect, it } from 'vitest'
import { type CtMachine, CtRealMachine, CtSimMachine } from './conntrack-machine.ts'
import { ACK, CLIENT, packet, SERVER, type Segment, SYN, tcpHeader, udpHeader } from './conntrack-script.ts'

type Decision = 'accept' | 'drop' | 'offload accept' | 'offload drop'

/**
 * Packets that are sent in this order, and what the program says about those that it gets; or a decision that is
 * cancelled.
 */
type Step = { readonly send: readonly Uint8Array[]; readonly decide: Decision } | { readonly recall: number }

const { Tcp, Udp } = IpProtocol
const tcp = (segment: Segment, port = 2000) => packet(Tcp, CLIENT, SERVER, tcpHeader(port, 80, segment))
const reply = (segment: Segment, port = 2000) => packet(Tcp, SERVER, CLIENT, tcpHeader(80, port, segment))
const handshake = (port = 2000) => [
  tcp({ flags: SYN, sequence: 100 }, port),
  reply({ flags: SYN | ACK, sequence: 500, ack: 101 }, port),
  tcp({ flags: ACK, sequence: 101, ack: 501 }, port),
]
const data = (count: number, port = 2000) =>
  Array.from({ length: count }, () => tcp({ flags: ACK, sequence: 101, ack: 501, data: 10 }, port))
const udp = (count: number, port: number) =>
  Array.from({ length: count }, () => packet(Udp, CLIENT, SERVER, udpHeader(port, 53)))

const TCP: QueueRule = { hook: 'output', match: { protocol: 'tcp' }, offload: { packets: 5 } }
const UDP: QueueRule = { hook: 'output', match: { protocol: 'udp' }, offload: { packets: 3 } }

const scripts: Readonly<
  Record<string, { readonly rule: QueueRule | readonly QueueRule[]; readonly steps: readonly Step[] }>
> = {
  'no decision: the first packets both ways': {
    rule: TCP,
    steps: [
      { send: handshake(), decide: 'accept' },
      { send: data(10), decide: 'accept' },
    ],
  },
  'accepted, cancelled and accepted again': {
    rule: TCP,
    steps: [
      { send: handshake(), decide: 'offload accept' },
      { send: data(3), decide: 'drop' },
      { recall: 2000 },
      { send: data(2), decide: 'accept' },
      { send: data(2), decide: 'offload accept' },
      { send: data(2), decide: 'drop' },
      { recall: 2001 },
    ],
  },
  'dropped, and cancelled': {
    rule: TCP,
    steps: [
      { send: handshake(), decide: 'accept' },
      { send: data(2), decide: 'offload drop' },
      { send: data(4), decide: 'accept' },
      { recall: 2000 },
      { send: data(2), decide: 'accept' },
    ],
  },
  'the first packet of a connection is dropped, and the next attempt is queued': {
    rule: [TCP, UDP],
    steps: [
      { send: udp(1, 3000), decide: 'offload drop' },
      { send: udp(3, 3000), decide: 'accept' },
      { send: udp(3, 3000), decide: 'drop' },
      { send: [...handshake(2002), ...udp(2, 3001)], decide: 'offload accept' },
      { send: [...data(3, 2002), ...udp(2, 3001)], decide: 'drop' },
    ],
  },
  'bits of its own, and a mark that stays': {
    rule: [
      { ...TCP, offload: { packets: 2, bits: { accept: 1, drop: 2, ask: 4 } }, setMark: { value: 0x100, mask: 0x700 } },
    ],
    steps: [
      { send: handshake(), decide: 'offload accept' },
      { send: data(2), decide: 'drop' },
    ],
  },
}

/** What is queued and counted. */
async function run(machine: CtMachine, { rule, steps }: (typeof scripts)[string]): Promise<string[]> {
  const lines: string[] = []
  const queue = await openQueue({ number: 6, transport: () => machine.open([], undefined), rule })
  let decision: Decision = 'accept'
  let asked = 0
  const loop = async () => {
    for await (const packets of queue) {
      for (const it of packets) {
        asked++
        if (decision === 'accept') it.accept()
        else if (decision === 'drop') it.drop()
        else it.offload(decision === 'offload accept' ? 'accept' : 'drop')
      }
    }
  }
  const done = loop()
  for (const step of steps) {
    if ('recall' in step) {
      lines.push(await recalled(queue, step.recall))
      continue
    }
    decision = step.decide
    for (const bytes of step.send) {
      const before = asked
      await machine.inject([bytes])
      while ((queue.counters()?.waiting ?? 0) > 0) await new Promise(setImmediate)
      lines.push(`${step.decide}: ${asked - before} queued`)
    }
    lines.push(JSON.stringify([await queue.rules?.offloaded(), await queue.rules?.counters()]))
  }
  await queue.close()
  await done
  return lines
}

async function recalled(queue: Queue, sourcePort: number): Promise<string> {
  const tuple = {
    sourceAddress: '10.0.0.1',
    destinationAddress: '10.0.0.2',
    protocol: 'tcp',
    sourcePort,
    destinationPort: 80,
  } as const
  const error = await queue.recall(tuple).then(
    () => undefined,
    (reason: { readonly code: string }) => reason,
  )
  return `recall: ${error?.code ?? 'done'}`
}

describe.skipIf(kernelUnavailable !== undefined)(
  kernelTests('offload on the simulated kernel and the real one'),
  () => {
    it.each(Object.entries(scripts))('%s', async (_, script) => {
      await using real = await CtRealMachine.make({ nf_conntrack_acct: 1 })
      await using simulated = new CtSimMachine({ nf_conntrack_acct: 1 })
      const expected = await run(real, script)
      expect(expected.length).toBeGreaterThan(script.steps.length)
      expect(await run(simulated, script)).toEqual(expected)
    })
  },
)
