/**
 * Sockets of every family that sock_diag lists, beside `ss`: every field that it shows, of sockets in a namespace of
 * their own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FamilyDescription } from '@ringlink/codec'
import { InetExtension, type InetSocketAttributes, type InetSocketHeader, inetDiag } from '@ringlink/families/inet-diag'
import { ALL_NETLINK_PROTOCOLS, NetlinkShow, netlinkDiag } from '@ringlink/families/netlink-diag'
import { PacketShow, PacketSocketFlag, packetDiag } from '@ringlink/families/packet-diag'
import { ALL_SOCKET_STATES, SocketFamily, type SocketMemory, SocketState } from '@ringlink/families/sock-diag'
import { UnixShow, unixDiag } from '@ringlink/families/unix-diag'
import { vsockDiag } from '@ringlink/families/vsock-diag'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OpenedFamilies } from './opened-families.ts'
import {
  addressText,
  beside,
  bitNames,
  comparedFields,
  differences,
  missingProgram,
  type Readers,
  type Shown,
} from './shown-fields.ts'
import { lineFields, SOCKETS } from './ss.ts'

const PYTHON = '/usr/bin/python3'
const missing = missingProgram('ss') ?? missingProgram(PYTHON)
const TCP = 6
const UDP = 17

const stateWords: Readonly<Record<number, string>> = {
  [SocketState.Established]: 'ESTAB',
  [SocketState.CloseWait]: 'CLOSE-WAIT',
  [SocketState.Closed]: 'UNCONN',
  [SocketState.Listen]: 'LISTEN',
}
const memoryText = (memory: SocketMemory | undefined) =>
  memory &&
  [
    `r${memory.receiveAllocated},rb${memory.receiveBuffer},t${memory.sendAllocated},tb${memory.sendBuffer}`,
    `f${memory.forwardAllocated},w${memory.sendQueued},o${memory.options},bl${memory.backlog},d${memory.drops}`,
  ].join(',')
/** The cookie, which counts, in hexadecimal digits. */
const cookieText = (cookie: Uint8Array) => Buffer.from(cookie).readBigUInt64LE().toString(16)
/** Six digits, as programs in C print `%g`. */
const short = (value: number) => String(Number(value.toPrecision(6)))
const bitsPerSecond = (bytes: bigint) => `${bytes * 8n}bps`

/** The path of a control group, if its number is `group`. */
function cgroupPath(group: bigint | undefined, { cgroup }: Shown): unknown {
  const folder = `/sys/fs/cgroup${String(cgroup)}`
  return existsSync(folder) && statSync(folder, { bigint: true }).ino !== group ? `number ${group}` : cgroup
}

/** A device's number as the kernel has it, split as programs split their own. */
const deviceText = (device: number) => `${(device >>> 8) & 0xfff}/${(device & 0xff) | ((device >>> 12) & ~0xff)}`

interface InetRow extends InetSocketAttributes {
  readonly header: InetSocketHeader
}

function endpoint({ header: { id, family }, isIpv6Only }: InetRow, side: 'source' | 'destination'): string {
  const bytes = family === SocketFamily.Ipv4 ? id[side].subarray(0, 4) : id[side]
  const text = addressText(bytes) ?? ''
  const isAny = text === '::' && isIpv6Only === 0
  const device = side === 'source' && id.device !== 0 ? '%lo' : ''
  const port = side === 'source' ? id.sourcePort : id.destinationPort
  return `${isAny ? '*' : text.includes(':') ? `[${text}]` : text}${device}:${port === 0 ? '*' : port}`
}

type Info = NonNullable<InetSocketAttributes['info']>
const of = (read: (info: Info) => unknown) => (row: InetRow) => row.info && read(row.info)
const number = (name: keyof Info) => of((info) => String(info[name]))
const milliseconds = (name: keyof Info) => of((info) => short(Number(info[name]) / 1000))
/** A time of sending: `44ms`. */
const busy = (name: keyof Info) => of((info) => `${Number(info[name]) / 1000}ms`)
const option = (bit: number) => of(({ options }) => ((options & bit) === 0 ? `options ${options}` : null))
const CLOCKS = new Set([
  'lastDataSent',
  'lastAcknowledgementSent',
  'lastDataReceived',
  'lastAcknowledgementReceived',
  'expires',
])
const clock = 'a clock, which ran on between the two readings'
const congestion = Object.fromEntries(
  ['bbr', 'cubic', 'reno'].map((name) => [name, (row: InetRow) => (row.congestionControl === name ? null : name)]),
)

const inetReaders: Readers<InetRow> = {
  state: ({ header }) => stateWords[header.state],
  receive: ({ header }) => String(header.receiveQueue),
  queued: ({ header }) => String(header.sendQueue),
  local: (row) => endpoint(row, 'source'),
  peer: (row) => endpoint(row, 'destination'),
  'timer()': clock,
  uid: ({ header }) => String(header.userId),
  ino: ({ header }) => String(header.inode),
  sk: ({ header }) => cookieText(header.id.cookie),
  fwmark: ({ mark }) => `0x${mark?.toString(16)}`,
  cgroup: ({ cgroup }, shown) => cgroupPath(cgroup, shown),
  v6only: ({ isIpv6Only }) => String(isIpv6Only),
  '<->': ({ shutdown }) => (shutdown === 0 ? null : shutdown),
  '-->': ({ shutdown }) => (shutdown === 1 ? null : shutdown),
  '<--': ({ shutdown }) => (shutdown === 2 ? null : shutdown),
  'skmem()': ({ socketMemory }) => memoryText(socketMemory),
  ...congestion,
  ts: option(1),
  sack: option(2),
  ecn: option(8),
  ecnseen: option(16),
  wscale: of(({ windowScales }) => `${windowScales & 15},${windowScales >> 4}`),
  rto: milliseconds('retransmissionTimeout'),
  rtt: of((info) => `${short(info.roundTripTime / 1000)}/${short(info.roundTripTimeVariance / 1000)}`),
  ato: milliseconds('acknowledgementTimeout'),
  mss: number('sendSegmentSize'),
  pmtu: number('pathMtu'),
  rcvmss: number('receiveSegmentSize'),
  advmss: number('advertisedSegmentSize'),
  cwnd: number('congestionWindow'),
  ssthresh: number('sendThreshold'),
  bytes_sent: number('bytesSent'),
  bytes_retrans: number('bytesRetransmitted'),
  bytes_acked: number('bytesAcknowledged'),
  bytes_received: number('bytesReceived'),
  segs_out: number('segmentsSent'),
  segs_in: number('segmentsReceived'),
  data_segs_out: number('dataSegmentsSent'),
  data_segs_in: number('dataSegmentsReceived'),
  'bbr()': ({ bbr }) => {
    if (bbr === undefined) return undefined
    const { bandwidthLow, bandwidthHigh, minimumRoundTripTime, pacingGain, windowGain } = bbr
    const parts = [
      `bw:${bitsPerSecond((BigInt(bandwidthHigh) << 32n) | BigInt(bandwidthLow))}`,
      `mrtt:${short(minimumRoundTripTime / 1000)}`,
      ...(pacingGain === 0 ? [] : [`pacing_gain:${short(pacingGain / 256)}`]),
      ...(windowGain === 0 ? [] : [`cwnd_gain:${short(windowGain / 256)}`]),
    ]
    return parts.join(',')
  },
  send: of(({ congestionWindow, sendSegmentSize, roundTripTime }) => {
    return `${Math.round((congestionWindow * sendSegmentSize * 8_000_000) / roundTripTime)}bps`
  }),
  lastsnd: clock,
  lastrcv: clock,
  lastack: clock,
  pacing_rate: of(({ pacingRate }) => bitsPerSecond(pacingRate)),
  delivery_rate: of(({ deliveryRate }) => bitsPerSecond(deliveryRate)),
  delivered: number('delivered'),
  app_limited: of(({ flags }) => ((flags & 1) === 0 ? `flags ${flags}` : null)),
  busy: busy('busyTime'),
  rwnd_limited: busy('limitedByReceiver'),
  sndbuf_limited: busy('limitedBySendBuffer'),
  unacked: number('unacknowledged'),
  retrans: of(({ retransmitted, totalRetransmitted }) => `${retransmitted}/${totalRetransmitted}`),
  lost: number('lost'),
  sacked: number('selectivelyAcknowledged'),
  dsack_dups: number('duplicateAcknowledgements'),
  reordering: number('reordering'),
  reord_seen: number('reorderingSeen'),
  rcv_rtt: milliseconds('receiverRoundTripTime'),
  rcv_space: number('receiverSpace'),
  rcv_ssthresh: number('receiveThreshold'),
  notsent: number('bytesNotSent'),
  minrtt: milliseconds('minimumRoundTripTime'),
  rcv_ooopack: number('outOfOrderPackets'),
  snd_wnd: number('sendWindow'),
}

const allOf = (bits: Readonly<Record<string, number>>) => Object.values(bits).reduce((all, bit) => all | bit, 0)

/** Rows as text, to compare two readings. */
function withoutClocks(rows: readonly unknown[]): string {
  return JSON.stringify(rows, (name, value: unknown) =>
    CLOCKS.has(name) ? undefined : typeof value === 'bigint' ? String(value) : value,
  )
}

describe.skipIf(kernelUnavailable)(kernelTests('sockets of the real kernel'), () => {
  let namespace: Namespace
  let holder: ChildProcess
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-'))
  const path = join(folder, 'socket')
  const opened = new OpenedFamilies()
  const open = <Description extends FamilyDescription>(family: Description) => opened.open(family, namespace.path)

  beforeAll(async () => {
    namespace = await Namespace.open()
    if (missing !== undefined) return
    holder = spawn('nsenter', [`--net=${namespace.path}`, PYTHON, '-c', SOCKETS, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    if (holder.stdout === null) throw new Error('no standard output')
    const [text] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')])
    expect(String(text)).toMatch(/^ready/)
  })
  afterAll(async () => {
    const ended = holder && once(holder, 'close')
    holder?.stdin?.end()
    await ended
    await opened.close()
    await namespace?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function show(columns: readonly string[], ...options: string[]): Promise<Shown[]> {
    const text = await namespace.run('ss', '-H', '-O', '-n', '-a', '-e', '-m', ...options)
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => lineFields(line, columns))
  }

  /** What ss shows between two readings of ours that are the same, except for clocks: nothing changed in between. */
  async function still<Row>(read: () => Promise<Row[]>, ...options: Parameters<typeof show>) {
    for (let tries = 1; ; tries++) {
      const rows = await read()
      const shown = await show(...options)
      const again = await read()
      if (withoutClocks(rows) === withoutClocks(again)) return { rows, shown }
      if (tries === 10) expect(withoutClocks(again)).toBe(withoutClocks(rows))
    }
  }

  /** Holds each line to the socket that it is of; the fields that were compared. */
  function hold<Row>(
    shown: readonly Shown[],
    find: (fields: Shown) => Row | undefined,
    readers: Readers<Row>,
  ): string[] {
    for (const fields of shown) {
      const row = find(fields)
      expect(row, JSON.stringify(fields)).toBeDefined()
      if (row !== undefined) expect(differences(fields, row, readers), JSON.stringify(fields)).toEqual([])
    }
    return comparedFields(shown, readers)
  }

  describe.skipIf(missing)(beside('beside ss', missing), () => {
    test.each([
      ['TCP over IPv4', SocketFamily.Ipv4, TCP, '-t4', 3, 30],
      ['TCP over IPv6', SocketFamily.Ipv6, TCP, '-t6', 3, 30],
      ['UDP over IPv4', SocketFamily.Ipv4, UDP, '-u4', 2, 9],
      ['UDP over IPv6', SocketFamily.Ipv6, UDP, '-u6', 1, 9],
    ])('%s', async (_, family, protocol, option, least, fields) => {
      const wanted = ['Info', 'Vegas', 'CongestionControl', 'SocketMemory'] as const
      const extensions = wanted.reduce((bits, name) => bits | (1 << (InetExtension[name] - 1)), 0)
      const header = { family, protocol, states: ALL_SOCKET_STATES, extensions }
      const sockets = await open(inetDiag)
      const columns = ['state', 'receive', 'queued', 'local', 'peer']
      const { rows, shown } = await still(() => sockets.dump('get', { header }), columns, '-i', '-o', option)
      expect(shown.length).toBeGreaterThanOrEqual(least)
      expect(rows).toHaveLength(shown.length)
      const find = ({ ino }: Shown) => rows.find((row) => String(row.header.inode) === ino)
      expect(hold(shown, find, inetReaders).length).toBeGreaterThanOrEqual(fields)
    })

    test('the family AF_UNIX', async () => {
      const header = { family: SocketFamily.Unix, states: ALL_SOCKET_STATES, show: allOf(UnixShow) }
      const sockets = await open(unixDiag)
      const columns = ['kind', 'state', 'receive', 'send', 'name', 'inode', 'peerName', 'peer']
      const { rows, shown: all } = await still(() => sockets.dump('get', { header }), columns, '-x')
      // The program that starts ss has further ones for its standard input and output, while it runs.
      const shown = all.filter(({ inode }) => rows.some((row) => String(row.header.inode) === inode))
      expect(rows).toHaveLength(shown.length)
      expect(shown.length).toBeGreaterThanOrEqual(5)
      const kinds: Readonly<Record<number, string>> = { 1: 'u_str', 2: 'u_dgr', 5: 'u_seq' }
      type Row = (typeof rows)[number]
      const name = (row: Row | undefined) => {
        const bytes = row?.name
        if (bytes === undefined || bytes.length === 0) return '*'
        return bytes[0] === 0 ? `@${Buffer.from(bytes.subarray(1))}` : Buffer.from(bytes).toString().replace(/\0$/, '')
      }
      const shutdown = (bits: number) => (row: Row) => (row.shutdown === bits ? null : row.shutdown)
      const compared = hold<Row>(shown, ({ inode }) => rows.find((row) => String(row.header.inode) === inode), {
        kind: (row) => kinds[row.header.type],
        state: (row) => stateWords[row.header.state],
        receive: (row) => String(row.queues?.receive),
        send: (row) => String(row.queues?.send),
        name,
        inode: (row) => String(row.header.inode),
        peerName: (row) => name(rows.find(({ header: other }) => other.inode === row.peer)),
        peer: (row) => String(row.peer ?? 0),
        uid: (row) => String(row.userId),
        'skmem()': (row) => memoryText(row.memory),
        '<->': shutdown(0),
        '-->': shutdown(1),
        '<--': shutdown(2),
        '---': shutdown(3),
        ino: (row) => String(row.file?.inode),
        dev: (row) => deviceText(row.file?.device ?? 0),
        peers: (row) => (row.pendingConnections ?? []).join(' '),
      })
      expect(compared.length).toBeGreaterThanOrEqual(10)
      expect(rows.map(name)).toContain('@ringlink-test')
      // What ss does not show.
      expect(rows.find((row) => name(row) === path)?.file?.inode).toBe(statSync(path).ino)
    })

    test('netlink', async () => {
      const request = NetlinkShow.Memory | NetlinkShow.Groups
      const header = { family: SocketFamily.Netlink, protocol: ALL_NETLINK_PROTOCOLS, show: request }
      const sockets = await open(netlinkDiag)
      // Those of protocol 4 are the sockets by which both ask.
      const read = async () =>
        (await sockets.dump('get', { header })).filter(({ header: { protocol } }) => protocol !== 4)
      const { rows, shown: all } = await still(read, ['state', 'receive', 'send', 'local', 'peer'], '-f', 'netlink')
      const shown = all.filter(({ local }) => !String(local).startsWith('4:'))
      expect(rows).toHaveLength(shown.length)
      type Row = (typeof rows)[number]
      const local = ({ header: { protocol, portId } }: Row) => `${protocol}:${portId}`
      const compared = hold<Row>(shown, (fields) => rows.find((row) => local(row) === fields.local), {
        state: ({ header: socket }) => stateWords[socket.state],
        receive: ({ memory }) => String(memory?.receiveAllocated),
        send: ({ memory }) => String(memory?.sendAllocated),
        local,
        peer: ({ header: socket }) => (socket.destinationPortId === 0 ? '*' : socket.destinationPortId),
        sk: 'an address in the kernel, which is hidden',
        cb: 'of kernels before 3.10',
        groups: ({ groups }) => {
          const bits = groups === undefined || groups.length < 4 ? 0 : Buffer.from(groups).readUInt32LE()
          return `0x${bits.toString(16).padStart(8, '0')}`
        },
        'skmem()': ({ memory }) => memoryText(memory),
      })
      expect(compared.length).toBeGreaterThanOrEqual(7)
      expect(shown.map(({ groups }) => groups)).toContain('0x00000005')
    })

    test('packets', async () => {
      const header = {
        family: SocketFamily.Packet,
        show: Object.values(PacketShow).reduce((bits, bit) => bits | bit, 0),
      }
      const sockets = await open(packetDiag)
      const columns = ['kind', 'state', 'receive', 'send', 'local', 'peer']
      const { rows, shown } = await still(() => sockets.dump('get', { header }), columns, '-0')
      expect(rows).toHaveLength(3)
      expect(shown).toHaveLength(3)
      type Row = (typeof rows)[number]
      const protocols: Readonly<Record<number, string>> = { 3: '*' }
      const ring = (given: Row['receiveRing']) =>
        given &&
        [
          `blk_size:${given.blockSize},blk_nr:${given.blocks},frm_size:${given.frameSize},frm_nr:${given.frames}`,
          `tmo:${given.blockTimeout},features:0x${given.features.toString(16)}`,
        ].join(',')
      const compared = hold<Row>(shown, ({ ino }) => rows.find((row) => String(row.header.inode) === ino), {
        kind: (row) => (row.header.type === 3 ? 'p_raw' : 'p_dgr'),
        state: 'a packet socket has none',
        receive: ({ memory }) => String(memory?.receiveAllocated),
        send: ({ memory }) => String(memory?.sendAllocated),
        local: ({ header: { protocol }, info }) =>
          `${protocols[protocol] ?? `[${protocol}]`}:${info?.device === 1 ? 'lo' : '*'}`,
        peer: 'a packet socket has none',
        uid: ({ userId }) => String(userId),
        ino: ({ header: { inode } }) => String(inode),
        sk: ({ header: { cookie } }) => cookieText(cookie),
        ver: ({ info }) => String(info?.version),
        cpy_thresh: ({ info }) => String(info?.copyThreshold),
        'flags()': ({ info }) =>
          bitNames(PacketSocketFlag, info?.flags ?? 0)
            .join(' ')
            .toLowerCase(),
        'ring_rx()': ({ receiveRing }) => ring(receiveRing),
        'fanout()': ({ fanout = 0 }) => `id:${fanout & 0xffff},type:${fanout >> 16 === 0 ? 'hash' : fanout >> 16}`,
        'skmem()': ({ memory }) => memoryText(memory),
      })
      expect(compared.length).toBeGreaterThanOrEqual(11)
      // What ss does not show.
      expect(rows.flatMap(({ memberships }) => memberships?.list ?? [])).toMatchObject([
        { device: 1, count: 1, type: 1, addressLength: 0 },
      ])
    })
  })

  test('between a machine and its host, where the kernel has them', async () => {
    const sockets = await open(vsockDiag).catch((error: unknown) => {
      expect(error).toMatchObject({
        code: 'FAMILY_UNSUPPORTED',
        message: expect.stringContaining('modprobe vsock_diag'),
      })
      return undefined
    })
    if (sockets === undefined || missing !== undefined) return
    const rows = await sockets.dump('get', { header: { family: SocketFamily.Vsock, states: ALL_SOCKET_STATES } })
    expect(rows).toHaveLength((await show([], '-f', 'vsock')).length)
  })
})
