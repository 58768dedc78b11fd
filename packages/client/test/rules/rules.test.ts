import {
  BatchMessage,
  Errno,
  type Expression,
  MessageFlag,
  NfTablesMessage,
  readNfnetlinkAttributes,
  ruleAttributes,
  TableFlag,
  tableAttributes,
} from '@ringlink/codec'
import { FunctionTransport, type KernelFunction } from '@ringlink/test-support/function-transport'
import { errorMessage, first, split } from '@ringlink/test-support/messages'
import { TransportError } from '@ringlink/transport'
import { describe, expect, test } from 'vitest'
import {
  type FirewallRule,
  type InstallOptions,
  installRules,
  openLog,
  openQueue,
  type QueueRule,
} from '../../src/index.ts'

const UDP = { protocol: 'udp', destinationPort: 53 } as const
const QUEUE: FirewallRule = { hook: 'output', match: UDP, queue: 3, bypass: true }

type Part = ReturnType<typeof split>[number]

/** A kernel's answer to a part of a batch: an errno with an offset in the message, or nothing. */
type Judge = (part: Part) => { errno: number; offset?: number } | undefined

/**
 * A kernel that applies batches unless `judge` finds fault: sends the errors of all refused messages, then the
 * requested answers.
 */
function nfTables(judge: Judge = () => undefined): KernelFunction {
  return (datagram) => {
    const parts = split(datagram)
    const answers: Uint8Array[] = []
    for (const part of parts) {
      const fault = judge(part)
      const isAsked = (first(part.bytes).view.flags & MessageFlag.Acknowledge) !== 0
      if (fault !== undefined) answers.push(errorMessage(part.bytes, fault.errno, { offset: fault.offset }))
      else if (isAsked) answers.push(errorMessage(part.bytes, 0))
      if (part.type === BatchMessage.Begin && fault !== undefined) break
    }
    return answers
  }
}

function expressionsOf({ bytes }: Part): Expression[] {
  return readNfnetlinkAttributes(first(bytes).view, ruleAttributes).expressions ?? []
}

/** A kernel without an expression or a target: its error points at the element, as the real one's does. */
function without(...names: string[]): Judge {
  return ({ type, bytes }) => {
    if (type !== NfTablesMessage.NewRule) return undefined
    const list = expressionsOf({ type, bytes, sequence: 0 })
    const found = list.find(({ name }) => name !== undefined && names.includes(name))
    if (found === undefined) return undefined
    const text = new TextEncoder().encode(`${found.name}\0`)
    const at = bytes.findIndex((_, i) => text.every((byte, k) => bytes[i + k] === byte))
    return { errno: Errno.ENOENT, offset: at - 8 }
  }
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

function install(rules: readonly FirewallRule[], judge?: Judge, options: Partial<InstallOptions> = {}) {
  const transport = new FunctionTransport(nfTables(judge))
  return { transport, rules: installRules(rules, { transport, ...options }) }
}

/** The messages that were sent, without the GETGEN requests before them. */
function batches({ sent }: FunctionTransport): Uint8Array[] {
  return sent.filter((bytes) => split(bytes)[0]?.type === BatchMessage.Begin)
}

/** The parts of the last batch that was sent. */
function lastBatch(transport: FunctionTransport): Part[] {
  return split(transport.sent.at(-1) ?? new Uint8Array())
}

function statement(transport: FunctionTransport): Expression | undefined {
  const rule = lastBatch(transport).find(({ type }) => type === NfTablesMessage.NewRule)
  return rule === undefined ? undefined : expressionsOf(rule).at(-1)
}

describe('a batch of rules', () => {
  test('is one datagram: an owned table, its chain, the rule, each with its number', async () => {
    const { transport, rules } = install([QUEUE])
    await using installed = await rules
    expect(installed).toMatchObject({ table: 'ringlink-4711', owned: true, persistent: false, family: 'inet' })
    expect(batches(transport)).toHaveLength(1)
    const parts = lastBatch(transport)
    const { NewTable, NewChain, NewRule } = NfTablesMessage
    expect(parts.map(({ type }) => type)).toEqual([BatchMessage.Begin, NewTable, NewChain, NewRule, BatchMessage.End])
    const [begin] = parts
    expect(parts.map(({ sequence }) => sequence - (begin?.sequence ?? 0))).toEqual([0, 1, 2, 3, 4])
    const table = readNfnetlinkAttributes(first((parts[1] as Part).bytes).view, tableAttributes)
    expect(table).toMatchObject({ name: 'ringlink-4711', flags: TableFlag.Owner })
  })

  test('persistent: replaces a table of that name, without an owner', async () => {
    const { transport, rules } = install([QUEUE], undefined, { persistent: true })
    await using installed = await rules
    expect(installed).toMatchObject({ table: 'ringlink', owned: false })
    const { NewTable, DeleteTable } = NfTablesMessage
    expect(
      lastBatch(transport)
        .map(({ type }) => type)
        .slice(1, 4),
    ).toEqual([NewTable, DeleteTable, NewTable])
  })
})

// The kernel of the development machine has only the target; the bytes of the expression are those that nft sends.
describe('the statement queue', () => {
  test('is the expression if the kernel has it', async () => {
    const { transport, rules } = install([{ hook: 'output', queue: { from: 3, to: 5 }, fanout: true }], undefined, {
      family: 'bridge',
    })
    await using installed = await rules
    expect(installed.queueStatement).toBe('expression')
    expect(statement(transport)).toMatchObject({ name: 'queue', data: { number: 3, total: 3, flags: 2 } })
  })

  test('is the target NFQUEUE if the kernel has only that, at once the second time, and is tried again on another kernel', async () => {
    const family = 'ip6'
    const target = install([QUEUE], without('queue'), { family })
    await using installed = await target.rules
    expect(installed.queueStatement).toBe('target')
    expect(batches(target.transport)).toHaveLength(2)
    expect(statement(target.transport)).toMatchObject({ name: 'target', data: { name: 'NFQUEUE', revision: 3 } })
    const again = install([QUEUE], without('queue'), { family })
    await using _again = await again.rules
    expect(batches(again.transport)).toHaveLength(1)
    const native = install([QUEUE], without('target'), { family })
    await using other = await native.rules
    expect(other.queueStatement).toBe('expression')
  })

  test('is unsupported if the kernel has neither, and the error names both', async () => {
    const { transport, rules } = install([{ hook: 'input' }, QUEUE], without('queue', 'target'))
    await expect(rules).rejects.toMatchObject({ code: 'RULES_UNSUPPORTED', rule: 1, expression: 'queue' })
    expect(() => transport.outbox.reserve(4)).toThrow(TransportError)
  })

  test('if the kernel does not report the expression, the target is tried as well', async () => {
    const silent: Judge = (part) => {
      const fault = without('queue')(part)
      return fault === undefined ? undefined : { errno: fault.errno }
    }
    const { rules } = install([QUEUE], silent, { family: 'ip' })
    await using installed = await rules
    expect(installed.queueStatement).toBe('target')
  })
})

test('the statement log is the target NFLOG if the kernel has no expression', async () => {
  const log = { group: 4, prefix: 'p', copyRange: 60, threshold: 2 }
  const { transport, rules } = install([{ hook: 'output', log }], without('log'), { family: 'arp' })
  await using _rules = await rules
  expect(statement(transport)).toMatchObject({ name: 'target', data: { name: 'NFLOG' } })
})

describe('a kernel without owned tables', () => {
  const old: Judge = ({ type, bytes }) => {
    if (type !== NfTablesMessage.NewTable) return undefined
    const { flags = 0 } = readNfnetlinkAttributes(first(bytes).view, tableAttributes)
    return flags === 0 ? undefined : { errno: Errno.EINVAL }
  }

  test('gets a plain one, which close removes', async () => {
    const { transport, rules } = install([{ hook: 'output' }], old)
    const installed = await rules
    expect(installed).toMatchObject({ owned: false, persistent: false })
    expect(batches(transport)).toHaveLength(2)
    await installed.close()
    await installed.close()
    expect(batches(transport)).toHaveLength(3)
    expect(lastBatch(transport)[1]?.type).toBe(NfTablesMessage.DeleteTable)
  })

  test('has its table removed when the process exits, without waiting', async () => {
    const listeners = process.listeners('exit')
    const { transport, rules } = install([{ hook: 'output' }], old)
    const installed = await rules
    const [added] = process.listeners('exit').filter((listener) => !listeners.includes(listener))
    added?.(0)
    expect(batches(transport)).toHaveLength(3)
    expect(lastBatch(transport)[1]?.type).toBe(NfTablesMessage.DeleteTable)
    await installed.close()
    expect(process.listeners('exit')).toEqual(listeners)
  })

  test('an owned table needs none of that', async () => {
    const listeners = process.listeners('exit')
    const { transport, rules } = install([{ hook: 'output' }])
    const installed = await rules
    expect(process.listeners('exit')).toEqual(listeners)
    await installed.close()
    expect(batches(transport)).toHaveLength(1)
  })
})

describe('a refusal', () => {
  const refusing =
    (type: number, errno: number): Judge =>
    (part) =>
      part.type === type ? { errno } : undefined

  test.each([
    ['the privilege', BatchMessage.Begin, Errno.EPERM, 'RULES_REFUSED', /CAP_NET_ADMIN is missing/],
    ['nf_tables', BatchMessage.Begin, Errno.EOPNOTSUPP, 'RULES_UNSUPPORTED', /no nf_tables \(CONFIG_NF_TABLES/],
    ['the name', NfTablesMessage.NewTable, Errno.EEXIST, 'RULES_REFUSED', /there is a table ringlink-4711 already/],
    ['the owner', NfTablesMessage.NewTable, Errno.EPERM, 'RULES_REFUSED', /belongs to another process/],
    ['the hook', NfTablesMessage.NewChain, Errno.EOPNOTSUPP, 'RULES_UNSUPPORTED', /hook output in family inet/],
    ['memory', NfTablesMessage.NewRule, Errno.ENOMEM, 'RULES_REFUSED', /rule 0 was refused: rule 0: ENOMEM/],
  ] as const)('because of %s says so, and closes what was opened', async (_, type, errno, code, message) => {
    const { transport, rules } = install([{ hook: 'output' }], refusing(type, errno))
    const error = await rules.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code, errno, name: 'RulesError' })
    expect((error as Error).message).toMatch(message)
    expect(() => transport.outbox.reserve(4)).toThrow(TransportError)
  })

  test.each([
    [Errno.EINVAL, 'RULES_UNSUPPORTED', /no nf_tables \(CONFIG_NF_TABLES/],
    [Errno.EPERM, 'RULES_REFUSED', /CAP_NET_ADMIN is missing/],
  ] as const)('of GETGEN ends it before any batch, errno %i', async (errno, code, message) => {
    const { transport, rules } = install([{ hook: 'output' }], refusing(NfTablesMessage.GetGeneration, errno))
    await expect(rules).rejects.toMatchObject({ code, errno, message: expect.stringMatching(message) })
    expect(transport.sent).toHaveLength(1)
    expect(batches(transport)).toEqual([])
  })

  test('of several is the first', async () => {
    const { rules } = install([{ hook: 'output' }, { hook: 'input' }], (part) =>
      part.type === NfTablesMessage.NewRule ? { errno: Errno.EINVAL } : undefined,
    )
    await expect(rules).rejects.toMatchObject({ rule: 0 })
  })

  test('that never comes is a timeout, and nothing is left open', async () => {
    const transport = new FunctionTransport(() => [])
    await expect(installRules([QUEUE], { transport, requestTimeout: 10 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(() => transport.outbox.reserve(4)).toThrow(TransportError)
  })

  test('of the send is the transport’s error', async () => {
    const transport = new FunctionTransport(() => -Errno.ECONNREFUSED)
    await expect(installRules([QUEUE], { transport })).rejects.toMatchObject({ code: 'SYSTEM' })
  })
})

describe('invalid rules are refused before anything is opened', () => {
  const opener = () => {
    throw new Error('it was opened')
  }

  /** A rule as it comes from parsed JSON, of any type. */
  const json = (rule: unknown) => rule as FirewallRule

  test.each<[string, FirewallRule, InstallOptions['family'], string, string, string]>([
    [
      'a hook of another family',
      { hook: 'egress', device: 'lo' },
      'inet',
      'ARGUMENT',
      'hook',
      'egress is not one of family inet, which has prerouting',
    ],
    ['an unknown hook', { hook: 'sideways' as 'input' }, 'ip', 'VALUE_RANGE', 'hook', "must be 'prerouting', "],
    ['a forward hook of arp', { hook: 'forward' }, 'arp', 'ARGUMENT', 'hook', 'family arp, which has input, output'],
    [
      'no device',
      { hook: 'ingress' },
      'netdev',
      'ARGUMENT',
      'device',
      'is missing, expected the device whose ingress this is',
    ],
    [
      'a superfluous device',
      { hook: 'input', device: 'lo' },
      'inet',
      'ARGUMENT',
      'device',
      'does not belong to hook input',
    ],
    [
      'allowMissingDevice without a device',
      { hook: 'input', allowMissingDevice: true },
      'inet',
      'ARGUMENT',
      'allowMissingDevice',
      'does not belong to hook input',
    ],
    [
      'an invalid device name',
      { hook: 'ingress', device: 'a b' },
      'netdev',
      'VALUE_RANGE',
      'device',
      'must be the name of a network device',
    ],
    [
      'a priority of another family',
      { hook: 'input', priority: 'raw' },
      'bridge',
      'ARGUMENT',
      'priority',
      'raw is not one of family bridge',
    ],
    ['an invalid priority', { hook: 'input', priority: 0.5 }, 'inet', 'VALUE_RANGE', 'priority', 'got 0.5'],
    [
      'ports without a protocol',
      { hook: 'input', match: { destinationPort: 1 } },
      'inet',
      'ARGUMENT',
      'match.destinationPort',
      'match.protocol is missing',
    ],
    [
      'ports of icmp',
      { hook: 'input', match: { protocol: 'icmp', sourcePort: 1 } },
      'inet',
      'ARGUMENT',
      'match.sourcePort',
      'icmp does not',
    ],
    [
      'a port too large',
      { hook: 'input', match: { ...UDP, destinationPort: 65536 } },
      'inet',
      'VALUE_RANGE',
      'match.destinationPort',
      'got 65536',
    ],
    [
      'a range backwards',
      { hook: 'input', match: { ...UDP, sourcePort: { from: 2, to: 1 } } },
      'inet',
      'VALUE_RANGE',
      'match.sourcePort.to',
      'must be at least 2',
    ],
    [
      'an empty list of ports',
      { hook: 'input', match: { ...UDP, sourcePort: [] } },
      'inet',
      'VALUE_RANGE',
      'match.sourcePort',
      'must not be an empty list',
    ],
    [
      'more ports than a set is given',
      { hook: 'input', match: { ...UDP, sourcePort: Array.from({ length: 1001 }, (_, i) => 2 * i) } },
      'inet',
      'VALUE_RANGE',
      'match.sourcePort',
      'at most 1000 elements, got 1001',
    ],
    [
      'an unknown protocol',
      { hook: 'input', match: { protocol: 'ipx' as 'udp' } },
      'inet',
      'VALUE_RANGE',
      'match.protocol',
      "got 'ipx' (string)",
    ],
    [
      'an invalid address',
      { hook: 'input', match: { sourceAddress: '10.0.0.0/33' } },
      'inet',
      'VALUE_RANGE',
      'match.sourceAddress',
      'must be an IPv4 or IPv6 address',
    ],
    [
      'an address among others',
      { hook: 'input', match: { sourceAddress: ['10.0.0.0/8', '10.0.0.256'] } },
      'inet',
      'VALUE_RANGE',
      'match.sourceAddress[1]',
      "got '10.0.0.256' (string)",
    ],
    [
      'IPv6 in ip',
      { hook: 'input', match: { sourceAddress: '::1' } },
      'ip',
      'ARGUMENT',
      'match.sourceAddress',
      '::1 never occurs in a packet of family ip',
    ],
    [
      'IPv4 in ip6',
      { hook: 'input', match: { not: { sourceAddress: '1.2.3.4' } } },
      'ip6',
      'ARGUMENT',
      'match.not.sourceAddress',
      'never occurs in a packet of family ip6',
    ],
    [
      'addresses of two versions',
      { hook: 'input', match: { sourceAddress: '::1', destinationAddress: '1.2.3.4' } },
      'inet',
      'ARGUMENT',
      'match.destinationAddress',
      '1.2.3.4 cannot go with ::1: no packet has both',
    ],
    [
      'a list of addresses of two versions',
      { hook: 'input', match: { sourceAddress: ['::1', '1.2.3.4'] } },
      'inet',
      'ARGUMENT',
      'match.sourceAddress',
      '1.2.3.4 cannot go with ::1',
    ],
    [
      'an input device on the way out',
      { hook: 'output', match: { inputInterface: 'lo' } },
      'inet',
      'ARGUMENT',
      'match.inputInterface',
      'the packet did not arrive on a device',
    ],
    [
      'an output device on the way in',
      { hook: 'input', match: { outputInterface: 'lo' } },
      'inet',
      'ARGUMENT',
      'match.outputInterface',
      'has not been routed to a device yet',
    ],
    [
      'a mark outside its mask',
      { hook: 'input', match: { mark: { value: 2, mask: 1 } } },
      'inet',
      'VALUE_RANGE',
      'match.mark.value',
      'without bits that mask (1) does not have',
    ],
    [
      'a state before tracking',
      { hook: 'output', priority: 'raw', match: { ctState: 'new' } },
      'inet',
      'ARGUMENT',
      'match.ctState',
      'before connection tracking',
    ],
    [
      'a state without tracking',
      { hook: 'ingress', device: 'lo', match: { ctState: 'new' } },
      'netdev',
      'ARGUMENT',
      'match.ctState',
      'have no connection',
    ],
    [
      'an unknown state',
      { hook: 'output', match: { ctState: 'old' as 'new' } },
      'inet',
      'VALUE_RANGE',
      'match.ctState',
      "must be 'new', 'established'",
    ],
    [
      'a queue in netdev',
      { hook: 'ingress', device: 'lo', queue: 1 },
      'netdev',
      'ARGUMENT',
      'queue',
      'not possible in family netdev',
    ],
    ['a queue too large', { hook: 'output', queue: 65536 }, 'inet', 'VALUE_RANGE', 'queue', 'got 65536'],
    [
      'queue and verdict',
      { hook: 'output', queue: 1, verdict: 'drop' },
      'inet',
      'ARGUMENT',
      'verdict',
      'cannot go with queue',
    ],
    ['bypass without a queue', { hook: 'output', bypass: true }, 'inet', 'ARGUMENT', 'bypass', 'queue is missing'],
    [
      'one queue to spread over',
      { hook: 'output', queue: 1, fanout: true },
      'inet',
      'ARGUMENT',
      'fanout',
      'needs a range of queues',
    ],
    ['a group too large', { hook: 'output', log: { group: 65536 } }, 'inet', 'VALUE_RANGE', 'log.group', 'got 65536'],
    [
      'a prefix too long',
      { hook: 'output', log: { group: 1, prefix: 'x'.repeat(128) } },
      'inet',
      'VALUE_RANGE',
      'log.prefix',
      'text of 0 to 127 bytes',
    ],
    [
      'a limit of zero',
      { hook: 'output', limit: { rate: 0, per: 'day' } },
      'inet',
      'VALUE_RANGE',
      'limit.rate',
      'got 0',
    ],
    [
      'a key of another tool',
      json({ hook: 'input', match: { protocol: 'udp', dport: 53 }, verdict: 'drop' }),
      'inet',
      'ARGUMENT',
      'match.dport',
      'unknown key rules[1].match.dport, did you mean destinationPort?',
    ],
    [
      'a member misspelt',
      json({ hook: 'input', matches: { protocol: 'udp' }, verdict: 'drop' }),
      'inet',
      'ARGUMENT',
      'matches',
      'unknown key rules[1].matches, did you mean match?',
    ],
    [
      'half a name',
      json({ hook: 'input', match: { interface: 'eth0' }, verdict: 'drop' }),
      'inet',
      'ARGUMENT',
      'match.interface',
      'did you mean inputInterface or outputInterface?',
    ],
    [
      'a match that is text',
      json({ hook: 'input', match: 'udp' }),
      'inet',
      'ARGUMENT',
      'match',
      "must be an object, got 'udp' (string)",
    ],
    [
      'a match that is a list',
      json({ hook: 'input', match: ['udp'] }),
      'inet',
      'ARGUMENT',
      'match',
      'must be an object, got an array',
    ],
    [
      'a port that is text',
      json({ hook: 'input', match: { protocol: 'udp', destinationPort: '53' } }),
      'inet',
      'ARGUMENT',
      'match.destinationPort',
      "got '53' (string)",
    ],
    [
      'a range that is text',
      json({ hook: 'input', match: { protocol: 'udp', destinationPort: '53-60' } }),
      'inet',
      'ARGUMENT',
      'match.destinationPort',
      "got '53-60' (string)",
    ],
    [
      'a list of ports that are text',
      json({ hook: 'input', match: { protocol: 'udp', destinationPort: ['53'] } }),
      'inet',
      'ARGUMENT',
      'match.destinationPort[0]',
      "got '53' (string)",
    ],
    [
      'a port that is true',
      json({ hook: 'input', match: { protocol: 'udp', destinationPort: true } }),
      'inet',
      'ARGUMENT',
      'match.destinationPort',
      'got true (boolean)',
    ],
    [
      'an empty range',
      json({ hook: 'input', match: { protocol: 'udp', destinationPort: {} } }),
      'inet',
      'ARGUMENT',
      'match.destinationPort.from',
      'is missing',
    ],
    [
      'half a range',
      json({ hook: 'input', match: { protocol: 'udp', destinationPort: { from: 5 } } }),
      'inet',
      'ARGUMENT',
      'match.destinationPort.to',
      'is missing',
    ],
    [
      'a protocol that is null',
      json({ hook: 'input', match: { protocol: null } }),
      'inet',
      'ARGUMENT',
      'match.protocol',
      'got null',
    ],
    [
      'an empty mark',
      json({ hook: 'input', match: { mark: {} } }),
      'inet',
      'ARGUMENT',
      'match.mark.value',
      'is missing',
    ],
    [
      'a property that there is not',
      json({ hook: 'input', match: { connectionMark: 5 } }),
      'inet',
      'ARGUMENT',
      'match.connectionMark',
      'unknown key rules[1].match.connectionMark',
    ],
    [
      'an unknown action',
      json({ hook: 'input', action: 'drop' }),
      'inet',
      'ARGUMENT',
      'action',
      'unknown key rules[1].action',
    ],
    ['null as a rule', json(null), 'inet', 'ARGUMENT', '', 'must be an object, got null'],
  ])('%s', async (_, rule, family, code, member, text) => {
    const rules: FirewallRule[] = family === 'netdev' ? [rule] : [{ hook: 'input' }, rule]
    const error = await failure(installRules(rules, { transport: opener, family }))
    const at = `rules[${rules.length - 1}]`
    expect(error).toMatchObject({ name: 'OptionError', code, path: member === '' ? at : `${at}.${member}` })
    expect((error as Error).message).toContain(text)
    expect((error as Error).message).toMatch(/^install rules: /)
  })

  test('priorities that overlap: a name and its number at one hook', async () => {
    const overlapping: FirewallRule[] = [
      { hook: 'output' },
      { hook: 'input', priority: 0 },
      { hook: 'output', priority: 0 },
    ]
    await expect(installRules(overlapping, { transport: opener })).rejects.toMatchObject({
      code: 'ARGUMENT',
      path: 'rules[2].priority',
      message: expect.stringContaining('rules[2].priority 0 at hook output is what rules[0] calls filter'),
    })
  })

  test.each<[unknown, unknown, string, string]>([
    [[], {}, 'VALUE_RANGE', 'rules'],
    [{ hook: 'input' }, {}, 'ARGUMENT', 'rules'],
    [undefined, {}, 'ARGUMENT', 'rules'],
    [[QUEUE], { family: 'ipx' }, 'VALUE_RANGE', 'family'],
    [[QUEUE], { table: '' }, 'VALUE_RANGE', 'table'],
    [[QUEUE], { persistant: true }, 'ARGUMENT', 'persistant'],
    [[QUEUE], { transport: 'socket' }, 'ARGUMENT', 'transport'],
    [[QUEUE], { transport: undefined }, 'ARGUMENT', 'transport'],
    [[QUEUE], { requestTimeout: '5' }, 'ARGUMENT', 'requestTimeout'],
  ])('rules %j with %j', async (rules, options, code, path) => {
    const given = { transport: opener, ...(options as object) }
    const error = await failure(installRules(rules as FirewallRule[], given))
    expect(error).toMatchObject({ code, path })
  })

  test('no options', async () => {
    expect(await failure(installRules([QUEUE], undefined as unknown as InstallOptions))).toMatchObject({
      code: 'ARGUMENT',
    })
  })

  test('a function that does not open a transport', async () => {
    const transport = (() => ({})) as unknown as InstallOptions['transport']
    expect(await failure(installRules([QUEUE], { transport }))).toMatchObject({
      code: 'ARGUMENT',
      message: expect.stringContaining('what transport() returns'),
    })
  })

  test.each<[unknown, string, string]>([
    [[{ hook: 'output' }, { hook: 'output', onExit: 'block' }], 'ARGUMENT', 'rule[1].onExit'],
    [{ hook: 'output', onExit: 'stay' }, 'VALUE_RANGE', 'rule.onExit'],
    [{ hook: 'output', match: { dport: 53 } }, 'ARGUMENT', 'rule.match.dport'],
    [
      [{ hook: 'output', match: { protocol: 'udp', destinationPort: '53' } }],
      'ARGUMENT',
      'rule[0].match.destinationPort',
    ],
    [{ hook: 'output', queue: 7 }, 'ARGUMENT', 'rule.queue'],
    [[], 'VALUE_RANGE', 'rule'],
    ['outptu', 'ARGUMENT', 'rule'],
  ])('the rule %j of a queue', async (rule, code, path) => {
    const error = await failure(openQueue({ number: 1, transport: opener, rule: rule as QueueRule }))
    expect(error).toMatchObject({ code, path })
    expect((error as Error).message).toMatch(/^open queue: /)
  })

  test('a rule of a queue with conntrack, where packets have no connection', async () => {
    const rule: QueueRule = { hook: 'output', priority: 'raw' }
    const error = await failure(openQueue({ number: 1, transport: opener, conntrack: true, rule }))
    expect(error).toMatchObject({ code: 'ARGUMENT', path: 'rule.priority' })
  })

  test('a rule of a log of several groups', async () => {
    const error = await failure(openLog({ group: [1, 2], transport: opener, rule: { hook: 'input' } }))
    expect(error).toMatchObject({ code: 'ARGUMENT', path: 'rule' })
  })
})

test('rules of one hook and priority share a chain, others have their own', async () => {
  const { transport, rules } = install([
    { hook: 'output' },
    { hook: 'output', priority: 'raw' },
    { hook: 'input' },
    { hook: 'output', verdict: 'accept' },
  ])
  await using _rules = await rules
  const chains = lastBatch(transport)
    .filter(({ type }) => type === NfTablesMessage.NewRule)
    .map(({ bytes }) => readNfnetlinkAttributes(first(bytes).view, ruleAttributes).chain)
  expect(chains).toEqual(['output', 'output', 'output-2', 'input'])
})
