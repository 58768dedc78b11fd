/**
 * nf_tables on the real kernel, with only our writers and readers. The kernel of the development machine has no
 * expression `queue` (CONFIG_NFT_QUEUE) but the target NFQUEUE; on a kernel with the expression the other half of the
 * test runs.
 */
import { spawnSync } from 'node:child_process'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type AttributeSet,
  type AttributeValues,
  CompatMessage,
  CompatType,
  ConntrackStateBit,
  ControlType,
  chainAttributes,
  compatAttributes,
  ErrorView,
  type Expression,
  expressionAt,
  Family,
  GetFlag,
  generationAttributes,
  Hook,
  HookPriority,
  LimitType,
  logTargetInformation,
  Memory,
  type Message,
  MessageFlag,
  MessageIterator,
  type MessageView,
  NetworkDeviceHook,
  NfTablesMessage,
  Protocol,
  RuleQueueFlag,
  RuleVerdict,
  readLogTarget,
  readNfnetlinkAttributes,
  readQueueTarget,
  ruleAttributes,
  TableFlag,
  tableAttributes,
  writeNfnetlinkMessage,
} from '../../../src/index.ts'
import { describeMessage } from '../../../src/messages.ts'
import { LOG_TARGET_REVISION } from '../../../src/nfnetlink/nftables/compat.ts'
import { attributePath } from '../../../src/schema/path.ts'
import { APPEND, type BatchPart, inState, marked, queueTarget, udpTo, verdict, writeBatch } from './batch.ts'

const ENOENT = 2
const EPERM = 1
const ERESTART = 85
const PORT = 9000
const hasNft = spawnSync('nft', ['--version']).status === 0
const nftTests = hasNft ? 'nft prints them as its own' : 'nft prints them as its own (skipped: nft is missing)'

type Socket = Awaited<ReturnType<typeof openSocket>>

/** The kernel's answer to one request of a batch. */
interface Answer {
  sequence: number
  errno: number
  /** kernel names of the attribute that the error points at */
  path: string[]
  expression: ReturnType<typeof expressionAt>
}

describe.skipIf(kernelUnavailable !== undefined)(kernelTests('nf_tables of the real kernel'), () => {
  let namespace: Namespace
  let socket: Socket

  beforeEach(async () => {
    namespace = await Namespace.open()
    socket = await open()
  })
  afterEach(async () => {
    await socket?.close()
    await namespace?.close()
  })

  const open = (): Promise<Socket> =>
    openSocket({ protocol: Protocol.Netfilter, networkNamespace: namespace.path, extendedAck: true })

  /** Sends the messages that `write` makes in one datagram. Returns the answers up to the one that `isLast` accepts. */
  function exchange(
    transport: Socket,
    write: (memory: Memory, offset: number, limit: number) => number,
    isLast: (message: MessageView, count: number) => boolean,
  ): Message[] {
    const { outbox } = transport
    const offset = outbox.reserve(8192)
    outbox.commit(write(outbox.memory, offset, offset + 8192))
    outbox.flush()
    const messages: Message[] = []
    const iterator = new MessageIterator()
    for (;;) {
      const batch = transport.poll(5000)
      if (batch === undefined) throw new Error(`no answer after ${messages.length} messages`)
      let last = false
      for (const frame of batch) {
        iterator.wrap(batch.memory, frame.offset, frame.byteLength)
        while (iterator.next()) {
          messages.push(iterator.view.copy())
          last ||= isLast(iterator.view, messages.length)
        }
      }
      batch.release()
      if (last) return messages
    }
  }

  /** Sends a batch whose parts are all acknowledged or refused. Returns the answer to each. */
  function change(parts: readonly BatchPart[], options: { generation?: number } = {}, transport = socket): Answer[] {
    const asked = parts.map((part) => ({ ...part, flags: (part.flags ?? APPEND) | MessageFlag.Acknowledge }))
    // A batch of another generation is refused as a whole, with one error.
    const expected = options.generation === undefined ? parts.length : 1
    const sent = new Memory(8192)
    const length = writeBatch(sent, 0, 8192, asked, options)
    const answers = exchange(
      transport,
      (memory, offset) => {
        memory.u8.set(sent.u8.subarray(0, length), offset)
        return length
      },
      (_, count) => count === expected,
    )
    return answers.map(({ view }) => answerOf(view, sent, length))
  }

  /** Reads an Error message; the kernel repeats only the header of a request, so the rest comes from the sent bytes. */
  function answerOf(view: MessageView, sent: Memory, length: number): Answer {
    const error = new ErrorView().wrap(view)
    const { requestSequence: sequence, errno } = error
    const iterator = new MessageIterator().wrap(sent, 0, length)
    while (iterator.next() && iterator.view.sequence !== sequence);
    const { offset, type, payloadOffset, payloadLength } = iterator.view
    const at = error.extendedAck()?.offset
    const set = describeMessage(Protocol.Netfilter, type)?.attributes
    if (at === undefined || set === undefined) return { sequence, errno, path: [], expression: undefined }
    const region = [sent, payloadOffset + 4, payloadLength - 4, offset + at] as const
    return { sequence, errno, path: attributePath(set, ...region), expression: expressionAt(...region) }
  }

  const request = <Set extends AttributeSet>(
    type: number,
    set: Set,
    attributes: AttributeValues<Set>,
    family: number,
  ) =>
    ({
      write: (flags: number) => (memory: Memory, offset: number, limit: number) =>
        writeNfnetlinkMessage(memory, offset, limit, set, {
          type,
          flags: MessageFlag.Request | flags,
          sequence: 7,
          family,
          resourceId: 0,
          attributes,
        }),
    }) as const

  function dump<Set extends AttributeSet>(
    type: number,
    set: Set,
    attributes: AttributeValues<Set>,
    family: number = Family.Inet,
  ): AttributeValues<Set>[] {
    const isLast = ({ type: answered }: MessageView) => answered === ControlType.Done || answered === ControlType.Error
    const messages = exchange(socket, request(type, set, attributes, family).write(GetFlag.Dump), isLast)
    return messages.filter(({ view }) => view.type >= 16).map(({ view }) => readNfnetlinkAttributes(view, set))
  }

  const rulesOf = (table: string, family: number = Family.Inet) =>
    dump(NfTablesMessage.GetRule, ruleAttributes, { table }, family)
  const generation = () => {
    const get = request(NfTablesMessage.GetGeneration, generationAttributes, {}, Family.Unspecified)
    const [answer] = exchange(socket, get.write(0), () => true)
    return readNfnetlinkAttributes((answer as Message).view, generationAttributes)
  }
  /** Whether the kernel has an xtables target, and its latest revision. */
  const targetRevision = (name: string, revision: number) => {
    const asked = { name, revision, type: CompatType.Target }
    const [answer] = exchange(
      socket,
      request(CompatMessage.Get, compatAttributes, asked, Family.Ipv4).write(MessageFlag.Acknowledge),
      () => true,
    )
    return readNfnetlinkAttributes((answer as Message).view, compatAttributes).revision
  }

  const newTable = (flags: number = TableFlag.Owner, family: number = Family.Inet): BatchPart => ({
    type: NfTablesMessage.NewTable,
    family,
    attributes: { name: 'ringlink', flags },
  })
  const newChain = (family: number = Family.Inet): BatchPart => ({
    type: NfTablesMessage.NewChain,
    family,
    attributes: {
      table: 'ringlink',
      name: 'out',
      type: 'filter',
      policy: RuleVerdict.Accept,
      hook: { number: Hook.Output, priority: HookPriority.Mangle },
    },
  })
  const newRule = (expressions: Expression[], rest: object = {}, family: number = Family.Inet): BatchPart => ({
    type: NfTablesMessage.NewRule,
    family,
    attributes: { table: 'ringlink', chain: 'out', expressions, ...rest },
  })
  const counter: Expression = { name: 'counter', data: { bytes: 0n, packets: 0n } }
  const log: Expression = { name: 'log', data: { group: 5, prefix: 'dns ', copyRange: 64, threshold: 3 } }
  const limit: Expression = {
    name: 'limit',
    data: { rate: 10n, unit: 1n, burst: 7, type: LimitType.Packets, flags: 0 },
  }
  const queue: Expression = { name: 'queue', data: { number: 3, total: 2, flags: RuleQueueFlag.Bypass } }
  const target = queueTarget({ number: 3, total: 2, flags: RuleQueueFlag.Bypass })
  const succeed = (parts: readonly BatchPart[]) =>
    expect(change(parts)).toEqual(
      parts.map((_, index) => ({ sequence: index + 1, errno: 0, path: [], expression: undefined })),
    )

  test('the contents of a batch are read back as they were written', () => {
    const { New, Established } = ConntrackStateBit
    const rules: Expression[][] = [
      [...udpTo(PORT), ...marked(7), counter, log, verdict(RuleVerdict.Accept)],
      [...inState(New | Established), limit, { name: 'log', data: { group: 6, copyRange: 0 } }],
      [{ name: 'notrack' }],
    ]
    succeed([newTable(), newChain(), ...rules.map((rule) => newRule(rule, { userData: Uint8Array.of(1, 2, 3) }))])
    expect(dump(NfTablesMessage.GetTable, tableAttributes, {})).toEqual([
      expect.objectContaining({ name: 'ringlink', flags: TableFlag.Owner, owner: socket.portId, use: 1 }),
    ])
    expect(dump(NfTablesMessage.GetChain, chainAttributes, {})).toEqual([
      expect.objectContaining({
        table: 'ringlink',
        name: 'out',
        hook: { number: Hook.Output, priority: HookPriority.Mangle },
        policy: RuleVerdict.Accept,
        type: 'filter',
        use: 3,
      }),
    ])
    const found = rulesOf('ringlink')
    expect(found.map(({ userData }) => userData)).toEqual(rules.map(() => Uint8Array.of(1, 2, 3)))
    found.forEach(({ expressions = [] }, index) => {
      const wanted = rules[index] ?? []
      expect(expressions.map(({ name }) => name)).toEqual(wanted.map(({ name }) => name))
      // The kernel adds defaults and keeps everything else.
      expressions.forEach((expression, at) => {
        expect(expression.unknown).toBeUndefined()
        expect(expression.data ?? {}).toMatchObject(wanted[at]?.data ?? {})
      })
    })
  })

  test('counters count', async () => {
    succeed([newTable(), newChain(), newRule([...udpTo(PORT), counter])])
    await namespace.send({ port: PORT, count: 3, text: 'hello' })
    const [rule] = rulesOf('ringlink')
    expect(rule?.expressions?.at(-1)).toEqual({ name: 'counter', data: { bytes: 3n * 33n, packets: 3n } })
  })

  test('NFQUEUE and NFLOG by the compat target', async () => {
    expect(targetRevision('NFQUEUE', 3)).toBe(3)
    const logged = { group: 5, copyRange: 64, threshold: 3, prefix: 'hello' }
    const logTarget: Expression = {
      name: 'target',
      data: { name: 'NFLOG', revision: LOG_TARGET_REVISION, information: logTargetInformation(logged) },
    }
    succeed([
      newTable(TableFlag.Owner, Family.Ipv4),
      newChain(Family.Ipv4),
      newRule([...udpTo(PORT), logTarget], { compat: { protocol: 17, flags: 0 } }, Family.Ipv4),
      newRule([...udpTo(PORT), counter, target], {}, Family.Ipv4),
    ])
    const [first, second] = rulesOf('ringlink', Family.Ipv4).map(({ expressions }) => expressions?.at(-1))
    if (first?.name !== 'target' || second?.name !== 'target') throw new Error('no targets')
    expect(readLogTarget(first.data?.information ?? new Uint8Array())).toEqual(logged)
    expect(readQueueTarget(second.data?.information ?? new Uint8Array())).toEqual({ number: 3, total: 2, flags: 1 })
    // NFQUEUE also exists for inet, NFLOG does not (Linux 6.18).
    succeed([newTable(), newChain(), newRule([...udpTo(PORT), target])])
    const [refused] = change([newRule([logTarget])])
    expect(refused).toMatchObject({ errno: ENOENT, expression: { index: 0, name: 'target' } })
    // Nobody listens to the queues: with bypass the packets continue.
    await namespace.listen(PORT)
    await namespace.send({ port: PORT, count: 2 })
    await namespace.waitFor(PORT, 2)
  })

  test('the expression queue is accepted, or refused by its place in the rule with nothing installed', () => {
    const answers = change([newTable(), newChain(), newRule([...udpTo(PORT), queue])])
    const refusal = answers.find(({ errno }) => errno !== 0)
    if (refusal === undefined) {
      expect(rulesOf('ringlink')[0]?.expressions?.at(-1)).toEqual(queue)
      return
    }
    expect(refusal).toEqual({
      sequence: 3,
      errno: ENOENT,
      path: ['NFTA_RULE_EXPRESSIONS'],
      expression: { index: 4, name: 'queue' },
    })
    expect(dump(NfTablesMessage.GetTable, tableAttributes, {})).toEqual([])
  })

  test('chains of families netdev and bridge', () => {
    const devices = [{ name: 'lo' }]
    const hook = { number: NetworkDeviceHook.Ingress, priority: -5, devices }
    const netdev: BatchPart = {
      type: NfTablesMessage.NewChain,
      family: Family.NetworkDevice,
      attributes: { table: 'ringlink', name: 'out', type: 'filter', hook },
    }
    succeed([newTable(TableFlag.Owner, Family.NetworkDevice), netdev, newRule([log], {}, Family.NetworkDevice)])
    const [chain] = dump(NfTablesMessage.GetChain, chainAttributes, {}, Family.NetworkDevice)
    // One device is answered with both attributes; a priority may be negative.
    expect(chain?.hook).toMatchObject({ number: 0, priority: -5, devices })
    const bridge = { ...newChain(Family.Bridge) }
    succeed([newTable(TableFlag.Owner, Family.Bridge), bridge, newRule([log], {}, Family.Bridge)])
    expect(rulesOf('ringlink', Family.Bridge)[0]?.expressions?.[0]).toMatchObject(log)
    // The target does not exist there.
    expect(change([newRule([target], {}, Family.Bridge)])[0]).toMatchObject({ errno: ENOENT })
  })

  test('an owned table is removed with the socket of its owner', async () => {
    succeed([newTable(), newChain()])
    await using other = await open()
    expect(change([newRule([counter])], {}, other)[0]).toMatchObject({ errno: EPERM })
    await socket.close()
    socket = await open()
    expect(dump(NfTablesMessage.GetTable, tableAttributes, {})).toEqual([])
  })

  test('a table that persists stays without an owner', async () => {
    succeed([newTable(TableFlag.Owner | TableFlag.Persist)])
    await socket.close()
    socket = await open()
    expect(dump(NfTablesMessage.GetTable, tableAttributes, {})).toEqual([
      expect.objectContaining({ name: 'ringlink', flags: TableFlag.Persist }),
    ])
  })

  test('counters start again at 0 when reset', async () => {
    succeed([newTable(), newChain(), newRule([...udpTo(PORT), counter])])
    await namespace.send({ port: PORT, text: 'hello' })
    const take = (type: number) => dump(type, ruleAttributes, { table: 'ringlink' })[0]?.expressions?.at(-1)?.data
    expect(take(NfTablesMessage.GetAndResetRule)).toEqual({ bytes: 33n, packets: 1n })
    expect(take(NfTablesMessage.GetRule)).toEqual({ bytes: 0n, packets: 0n })
  })

  test('a name whose bytes are not UTF-8 is read as it was written, and deletes its table', () => {
    const name = '\udcffa\udcc3'
    succeed([{ type: NfTablesMessage.NewTable, family: Family.Inet, attributes: { name } }])
    const names = () => dump(NfTablesMessage.GetTable, tableAttributes, {}).map((row) => row.name)
    expect(names()).toEqual([name])
    succeed([{ type: NfTablesMessage.DeleteTable, family: Family.Inet, attributes: { name: names()[0] ?? '' } }])
    expect(names()).toEqual([])
  })

  test('a batch for another generation is refused as a whole', () => {
    const before = generation().id as number
    succeed([newTable()])
    expect(generation().id).toBe(before + 1)
    expect(change([newChain()], { generation: before })[0]).toMatchObject({ errno: ERESTART })
    expect(dump(NfTablesMessage.GetChain, chainAttributes, {})).toEqual([])
  })

  test.skipIf(!hasNft)(nftTests, async () => {
    succeed([
      newTable(),
      newChain(),
      newRule([...udpTo(PORT), ...marked(7), counter, log]),
      newRule([...inState(ConntrackStateBit.New | ConntrackStateBit.Established), limit, verdict(RuleVerdict.Accept)]),
      newRule([...udpTo(PORT), counter, target], { compat: { protocol: 17, flags: 0 } }),
    ])
    const lines = (await namespace.run('nft', 'list', 'table', 'inet', 'ringlink'))
      .split('\n')
      .map((line) => line.replace(/# progname.*/, '').trim())
    expect(lines.filter((line) => line !== '')).toEqual([
      'table inet ringlink {',
      'flags owner',
      'chain out {',
      'type filter hook output priority mangle; policy accept;',
      `udp dport ${PORT} meta mark 0x00000007 counter packets 0 bytes 0 log prefix "dns " group 5 snaplen 64 queue-threshold 3`,
      'ct state established,new limit rate 10/second burst 7 packets accept',
      `udp dport ${PORT} counter packets 0 bytes 0 queue num 3-4 bypass`,
      '}',
      '}',
    ])
  })
})
