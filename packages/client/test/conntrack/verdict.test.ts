/** What a verdict changes of the connection of its packet, by a simulated kernel that has the glue. */
import {
  type Conntrack as ConntrackAttributes,
  ConntrackStatus,
  Family,
  Hook,
  QueueMessage,
  queueAttributes,
  readNfnetlinkAttributes,
} from '@ringlink/codec'
import { udpPacket } from '@ringlink/packet'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, first, packetMessage, split } from '@ringlink/test-support/messages'
import { SimKernel } from '@ringlink/transport-sim'
import { expect, test } from 'vitest'
import {
  type Connection,
  type ConnectionTuple,
  type ConnectionVerdict,
  type Conntrack,
  openConntrack,
  openQueue,
  type PacketVerdictChanges,
  type Queue,
} from '../../src/index.ts'

const PORT = 5000
const question = udpPacket({
  source: '10.0.0.1',
  destination: '10.0.0.2',
  sourcePort: 999,
  destinationPort: PORT,
  payload: 'a',
})
const answer = udpPacket({
  source: '10.0.0.2',
  destination: '10.0.0.1',
  sourcePort: PORT,
  destinationPort: 999,
  payload: 'b',
})

/** A tracking kernel with the glue, a queue of everything, and one that reads the connections. */
async function glued(): Promise<{ kernel: SimKernel; queue: Queue; conntrack: Conntrack }> {
  const kernel = new SimKernel({ conntrack: { track: 'always' }, conntrackGlue: true })
  kernel.addRule({ hook: Hook.Output, queue: 0 })
  const queue = await openQueue({ number: 0, transport: (needs) => kernel.open(needs), conntrack: true })
  const conntrack = await openConntrack({ transport: (needs) => kernel.open(needs) })
  return { kernel, queue, conntrack }
}

/** Sends a packet and answers it. */
async function pass(
  { kernel, queue }: { kernel: SimKernel; queue: Queue },
  packet: Uint8Array,
  changes: PacketVerdictChanges,
) {
  kernel.inject(packet)
  let connection: Connection | undefined
  for await (const packets of queue) {
    for (const queued of packets) {
      connection = queued.conntrack()
      queued.accept(changes)
    }
    break
  }
  return connection
}

const only = async (conntrack: Conntrack): Promise<Connection | undefined> => {
  for await (const connection of conntrack.list()) return connection
  return undefined
}

test('mark with mask, timeout and status are those of the connection, from its first packet on', async () => {
  const machine = await glued()
  const { queue, conntrack } = machine
  const seen = await pass(machine, question, { connection: { mark: 0x1122, timeout: 77_000 } })
  expect(seen).toMatchObject({ family: 'ip', status: [], mark: 0, original: { destinationPort: PORT } })
  expect(await only(conntrack)).toMatchObject({ mark: 0x1122, timeout: 77_000 })
  await pass(machine, answer, { connection: { mark: { value: 0x33, mask: 0xff } } })
  // The connection has seen a reply: a status without that bit would be refused by the kernel, and the mark with it.
  await pass(machine, question, { connection: { status: ['assured'], mark: { value: 0x4400, mask: 0xff00 } } })
  const connection = await only(conntrack)
  expect(connection).toMatchObject({ mark: 0x4433 })
  expect(connection?.status).toEqual(expect.arrayContaining(['seen-reply', 'assured', 'confirmed']))
  await queue.close()
  await conntrack.close()
})

/** A queue with one packet whose message has these attributes, and the verdict that is sent. */
async function answered(
  connection: ConntrackAttributes | undefined,
  changes: PacketVerdictChanges,
  { family = Family.Ipv4, linkLayerHeader }: { family?: number; linkLayerHeader?: Uint8Array } = {},
) {
  const transport = new FunctionTransport((datagram) =>
    split(datagram).flatMap(({ type, bytes }) => (type === QueueMessage.Config ? [errorMessage(bytes, 0)] : [])),
  )
  await using queue = await openQueue({ number: 0, transport })
  const carried = connection === undefined ? {} : { conntrack: connection, conntrackInformation: 0 }
  const message = packetMessage(1, { ...carried, ...(linkLayerHeader === undefined ? {} : { linkLayerHeader }) })
  message[16] = family
  transport.deliver(message)
  for await (const packets of queue) {
    for (const packet of packets) packet.accept(changes)
    break
  }
  const verdict = transport.sent.flatMap(split).find(({ type }) => type === QueueMessage.Verdict)
  return verdict && readNfnetlinkAttributes(first(verdict.bytes).view, queueAttributes)
}

const tuple: ConnectionTuple = {
  ...{
    sourceAddress: '10.0.0.1',
    destinationAddress: '10.0.0.2',
    protocol: 'tcp',
    sourcePort: 0,
    destinationPort: 4000,
  },
}

test.each<[string, ConntrackAttributes | undefined, ConnectionVerdict, string]>([
  ['any change without a connection', undefined, { mark: 1 }, 'connection'],
  ['a state', {}, { state: 'close' } as never, 'connection.state'],
  ['nothing', {}, {}, 'connection'],
  ['an attribute that verdicts do not have', {}, { attributes: { zone: 5 } }, 'connection.attributes.zone'],
  ['a new helper', {}, { helper: 'ftp' }, 'connection.helper'],
  ['another helper', { helper: { name: 'ftp' } }, { helper: 'sip' }, 'connection.helper'],
  [
    'no helper for an expected connection',
    { status: ConntrackStatus.Expected, helper: { name: 'ftp' } },
    { helper: '' },
    'connection.helper',
  ],
  ['a timeout where it is fixed', { status: ConntrackStatus.FixedTimeout }, { timeout: 5 }, 'connection.timeout'],
  ['an expectation without a helper', {}, { expectation: { tuple } }, 'connection.expectation'],
  [
    'an expectation with a mask of another protocol',
    { helper: { name: 'ftp' } },
    { expectation: { tuple, mask: { ...tuple, protocol: 'udp' } } },
    'connection.expectation.mask.protocol',
  ],
  ['short labels', {}, { labels: new Uint8Array(3) }, 'connection.labels'],
  ['a mark beyond its mask', {}, { mark: { value: 3, mask: 1 } }, 'connection.mark.value'],
])('%s is refused: the kernel would ignore it', async (_, connection, changes, path) => {
  await expect(answered(connection, { connection: changes })).rejects.toMatchObject({ name: 'OptionError', path })
})

test('labels, the removal of a helper and an expectation are attributes of the verdict', async () => {
  const helper = { name: 'ftp' }
  const value = new Uint8Array(16).fill(3)
  const mask = new Uint8Array(16).fill(7)
  expect((await answered({ helper }, { connection: { labels: { value, mask }, helper: '' } }))?.conntrack).toEqual({
    ...{ labels: value, labelsMask: mask, helper: { name: '' } },
  })
  const verdict = await answered({ helper }, { mark: 5, connection: { expectation: { tuple, flags: ['permanent'] } } })
  // Without NFQA_CT the kernel does not look at NFQA_EXP.
  expect(verdict?.conntrack).toEqual({})
  expect(verdict).toMatchObject({
    mark: 5,
    expectation: {
      flags: 1,
      tuple: { protocol: { destinationPort: 4000 } },
      mask: { protocol: { destinationPort: 0xffff } },
    },
  })
})

test('a link-layer header goes with other changes, and must be as long as that of the packet', async () => {
  const bridge = { family: Family.Bridge, linkLayerHeader: new Uint8Array(14).fill(1) }
  const linkLayerHeader = new Uint8Array(14).fill(2)
  for (const others of [{}, { mark: 5 }, { priority: 1, mark: 2, payload: new Uint8Array(20).fill(0x45) }])
    expect(await answered(undefined, { linkLayerHeader, ...others }, bridge)).toMatchObject({
      linkLayerHeader,
      ...others,
    })
  const wrong = answered(undefined, { linkLayerHeader: new Uint8Array(18) }, bridge)
  await expect(wrong).rejects.toMatchObject({ code: 'VALUE_RANGE', path: 'linkLayerHeader' })
  const cut = answered(undefined, { vlan: { tag: 5 } }, bridge)
  await expect(cut).rejects.toMatchObject({ code: 'ARGUMENT', path: 'vlan.protocol' })
})
