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
import { TransportError } from '@ringlink/transport'
import { describe, expect, test } from 'vitest'
import { FunctionTransport, type KernelFunction } from '../../../../test/support/function-transport.ts'
import { errorMessage, first, split } from '../../../../test/support/messages.ts'
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

/** What a kernel says to a part of a batch: an errno, and where in the message, or nothing. */
type Judge = (part: Part) => { errno: number; offset?: number } | undefined

/** A kernel that carries batches out unless `judge` finds fault: errors of all that it refuses, then what was asked for. */
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

/** A kernel without an expression, or a target: as the real one it points at the element. */
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

function install(rules: readonly FirewallRule[], judge?: Judge, options: Partial<InstallOptions> = {}) {
  const transport = new FunctionTransport(nfTables(judge))
  return { transport, rules: installRules(rules, { transport, ...options }) }
}

/** What was sent, without the questions for nf_tables that come before. */
function batches({ sent }: FunctionTransport): Uint8Array[] {
  return sent.filter((bytes) => split(bytes)[0]?.type === BatchMessage.Begin)
}

/** The parts of the batch that was sent last. */
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

  test('persistent: takes the place of a table of that name, without an owner', async () => {
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

// The kernel at hand has only the target; what is said of the expression here is what nft sends to a kernel that has it.
describe('the statement queue', () => {
  test('is the expression where the kernel has it', async () => {
    const { transport, rules } = install([{ hook: 'output', queue: { from: 3, to: 5 }, fanout: true }], undefined, {
      family: 'bridge',
    })
    await using installed = await rules
    expect(installed.queueStatement).toBe('expression')
    expect(statement(transport)).toMatchObject({ name: 'queue', data: { number: 3, total: 3, flags: 2 } })
  })

  test('is the target NFQUEUE where the kernel has only that, at once the second time, and is tried anew elsewhere', async () => {
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

  test('is unsupported where the kernel has neither, which is named', async () => {
    const { transport, rules } = install([{ hook: 'input' }, QUEUE], without('queue', 'target'))
    await expect(rules).rejects.toMatchObject({ code: 'RULES_UNSUPPORTED', rule: 1, expression: 'queue' })
    expect(() => transport.outbox.reserve(4)).toThrow(TransportError)
  })

  test('a kernel that does not say where is asked for the target as well', async () => {
    const silent: Judge = (part) => {
      const fault = without('queue')(part)
      return fault === undefined ? undefined : { errno: fault.errno }
    }
    const { rules } = install([QUEUE], silent, { family: 'ip' })
    await using installed = await rules
    expect(installed.queueStatement).toBe('target')
  })
})

test('the statement log is the target NFLOG where the kernel has no expression', async () => {
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

  test('has it removed when the process exits, without waiting', async () => {
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

  test('an owned table needs nothing of that', async () => {
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
  ] as const)('for want of %s says so, and closes what was opened', async (_, type, errno, code, message) => {
    const { transport, rules } = install([{ hook: 'output' }], refusing(type, errno))
    const error = await rules.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code, errno, name: 'RulesError' })
    expect((error as Error).message).toMatch(message)
    expect(() => transport.outbox.reserve(4)).toThrow(TransportError)
  })

  test.each([
    [Errno.EINVAL, 'RULES_UNSUPPORTED', /no nf_tables \(CONFIG_NF_TABLES/],
    [Errno.EPERM, 'RULES_REFUSED', /CAP_NET_ADMIN is missing/],
  ] as const)('to say whether there is nf_tables ends it before any batch, errno %i', async (errno, code, message) => {
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

  test('to send is the transport’s error', async () => {
    const transport = new FunctionTransport(() => -Errno.ECONNREFUSED)
    await expect(installRules([QUEUE], { transport })).rejects.toMatchObject({ code: 'SYSTEM' })
  })
})

describe('what makes no sense is refused before anything is opened', () => {
  const opener = () => {
    throw new Error('it was opened')
  }

  test.each<[string, FirewallRule, InstallOptions['family'], RegExp]>([
    [
      'a hook of another family',
      { hook: 'egress', device: 'lo' },
      'inet',
      /hook egress: family inet has prerouting, .*ingress/,
    ],
    ['a hook of no family', { hook: 'sideways' as 'input' }, 'ip', /hook sideways: family ip has/],
    ['a forward hook of arp', { hook: 'forward' }, 'arp', /family arp has input, output/],
    ['no device', { hook: 'ingress' }, 'netdev', /hook ingress belongs to a device/],
    ['a device too much', { hook: 'input', device: 'lo' }, 'inet', /hook input has no device/],
    ['a device that is none', { hook: 'ingress', device: 'a b' }, 'netdev', /device 'a b' is no name/],
    ['a priority of another family', { hook: 'input', priority: 'raw' }, 'bridge', /priority raw: family bridge has/],
    ['a priority that is none', { hook: 'input', priority: 0.5 }, 'inet', /priority 0.5: a whole number/],
    [
      'ports without a protocol',
      { hook: 'input', match: { destinationPort: 1 } },
      'inet',
      /destinationPort: ports need/,
    ],
    ['ports of icmp', { hook: 'input', match: { protocol: 'icmp', sourcePort: 1 } }, 'inet', /icmp has none/],
    ['a port too large', { hook: 'input', match: { ...UDP, destinationPort: 65536 } }, 'inet', /0 to 65535 wanted/],
    [
      'a range backwards',
      { hook: 'input', match: { ...UDP, sourcePort: { from: 2, to: 1 } } },
      'inet',
      /1 is before 2/,
    ],
    ['no port at all', { hook: 'input', match: { ...UDP, sourcePort: [] } }, 'inet', /sourcePort: at least one/],
    [
      'more ports than a set is given',
      { hook: 'input', match: { ...UDP, sourcePort: Array.from({ length: 1001 }, (_, i) => 2 * i) } },
      'inet',
      /up to 1000 are wanted, not 1001/,
    ],
    ['an unknown protocol', { hook: 'input', match: { protocol: 'ipx' as 'udp' } }, 'inet', /protocol ipx: there is/],
    [
      'an address that is none',
      { hook: 'input', match: { sourceAddress: '10.0.0.0/33' } },
      'inet',
      /'10.0.0.0\/33' is no/,
    ],
    ['IPv6 in ip', { hook: 'input', match: { sourceAddress: '::1' } }, 'ip', /::1 is never in a packet of family ip/],
    [
      'IPv4 in ip6',
      { hook: 'input', match: { not: { sourceAddress: '1.2.3.4' } } },
      'ip6',
      /never in a packet of family ip6/,
    ],
    [
      'addresses of two versions',
      { hook: 'input', match: { sourceAddress: '::1', destinationAddress: '1.2.3.4' } },
      'inet',
      /no packet has both ::1 and 1.2.3.4/,
    ],
    [
      'a device of arrival on the way out',
      { hook: 'output', match: { inputInterface: 'lo' } },
      'inet',
      /has no inputInterface/,
    ],
    [
      'a device of departure on the way in',
      { hook: 'input', match: { outputInterface: 'lo' } },
      'inet',
      /no outputInterface/,
    ],
    ['a mark beyond its mask', { hook: 'input', match: { mark: { value: 2, mask: 1 } } }, 'inet', /bits that the mask/],
    [
      'a state before tracking',
      { hook: 'output', priority: 'raw', match: { ctState: 'new' } },
      'inet',
      /before connection tracking/,
    ],
    [
      'a state without tracking',
      { hook: 'ingress', device: 'lo', match: { ctState: 'new' } },
      'netdev',
      /have no connection/,
    ],
    ['an unknown state', { hook: 'output', match: { ctState: 'old' as 'new' } }, 'inet', /ctState old: there is new/],
    [
      'a queue in netdev',
      { hook: 'ingress', device: 'lo', queue: 1 },
      'netdev',
      /does not queue packets of family netdev/,
    ],
    ['a queue too large', { hook: 'output', queue: 65536 }, 'inet', /queue: a whole number/],
    ['queue and verdict', { hook: 'output', queue: 1, verdict: 'drop' }, 'inet', /give one of them/],
    ['bypass without a queue', { hook: 'output', bypass: true }, 'inet', /belong to a queue/],
    ['one queue to spread over', { hook: 'output', queue: 1, fanout: true }, 'inet', /give a range of queues/],
    ['a group too large', { hook: 'output', log: { group: 65536 } }, 'inet', /log group: a whole number/],
    [
      'a prefix too long',
      { hook: 'output', log: { group: 1, prefix: 'x'.repeat(128) } },
      'inet',
      /log prefix: up to 127/,
    ],
    ['a limit of nothing', { hook: 'output', limit: { rate: 0, per: 'day' } }, 'inet', /limit rate/],
  ])('%s', async (_, rule, family, message) => {
    const error = await installRules(family === 'netdev' ? [rule] : [{ hook: 'input' }, rule], {
      transport: opener,
      family,
    }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'VALUE_RANGE' })
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).toMatch(family === 'netdev' ? /^rule 0: / : /^rule 1: /)
  })

  test('priorities that overlap: a word and its number at one hook', async () => {
    const overlapping: FirewallRule[] = [
      { hook: 'output' },
      { hook: 'input', priority: 0 },
      { hook: 'output', priority: 0 },
    ]
    await expect(installRules(overlapping, { transport: opener })).rejects.toMatchObject({
      code: 'VALUE_RANGE',
      message: 'rule 2: priority 0 at hook output is where rule 0 has filter: say it the same way, or another priority',
    })
  })

  test('no rule, an unknown family, a table without a name', async () => {
    const refused = { code: 'VALUE_RANGE' }
    await expect(installRules([], { transport: opener })).rejects.toMatchObject(refused)
    await expect(installRules([QUEUE], { transport: opener, family: 'ipx' as 'ip' })).rejects.toMatchObject(refused)
    await expect(installRules([QUEUE], { transport: opener, table: '' })).rejects.toMatchObject(refused)
  })

  test('rules of a queue or log that are not alike, or not for one group', async () => {
    const refused = { code: 'VALUE_RANGE' }
    const rule: QueueRule[] = [{ hook: 'output' }, { hook: 'output', onExit: 'block' }]
    await expect(openQueue({ number: 1, transport: opener, rule })).rejects.toMatchObject(refused)
    const wrong = { hook: 'output', onExit: 'stay' as 'block' } as const
    await expect(openQueue({ number: 1, transport: opener, rule: wrong })).rejects.toMatchObject(refused)
    await expect(openLog({ group: [1, 2], transport: opener, rule: { hook: 'input' } })).rejects.toMatchObject(refused)
  })
})

test('rules of one hook and priority share a chain, others have one of their own', async () => {
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
