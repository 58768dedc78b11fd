import {
  ConntrackStateBit,
  Hook,
  NfTablesMessage,
  nfnetlinkHeader,
  Protocol,
  readNfnetlinkAttributes,
  ruleAttributes,
} from '@ringlink/codec'
import { udpPacket } from '@ringlink/packet'
import type { TransportNeeds } from '@ringlink/transport'
import { SimKernel } from '@ringlink/transport-sim'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FirewallRule, installRules, openQueue, type RuleFamily, Session } from '../../src/index.ts'
import { bytesOf } from './described-bytes.ts'
import { mutated, randomRules } from './random-rules.ts'
import { DEVICES } from './random-values.ts'
import { type DescribedPacket, packetFor, RuleReader } from './rule-reader.ts'

const SEED = 20_261_126
const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const
const hookNumbers = {
  prerouting: Hook.Prerouting,
  input: Hook.Input,
  forward: Hook.Forward,
  output: Hook.Output,
  postrouting: Hook.Postrouting,
}
const states: Readonly<Record<string, number>> = {
  new: ConntrackStateBit.New,
  established: ConntrackStateBit.Established,
  related: ConntrackStateBit.Related,
  invalid: ConntrackStateBit.Invalid,
  untracked: ConntrackStateBit.Untracked,
}

type Sent = readonly [hook: (typeof HOOKS)[number], packet: DescribedPacket]
/** Packets at the hooks of rules. */
function packetsFor(rules: readonly FirewallRule[]): fc.Arbitrary<Sent[]> {
  const packet = fc
    .constantFrom(...rules)
    .chain((rule) => packetFor(rule).map((described): Sent => [rule.hook as Sent[0], described]))
  return fc.noShrink(fc.array(packet, { minLength: 60, maxLength: 60 }))
}

function ethernetHeader(sender: string): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, 9, ...Buffer.from(sender.replaceAll(':', ''), 'hex'), 8, 0)
}

function inject(kernel: SimKernel, [hook, described]: Sent): void {
  const { input, output, mark, state, user, group, sender } = described
  const device = (name: string) => (DEVICES as readonly string[]).indexOf(name) + 1
  kernel.inject(bytesOf(described), {
    hook: hookNumbers[hook],
    inputDevice: device(input),
    outputDevice: device(output),
    mark,
    connectionState: states[state],
    owner: user === undefined ? null : { userId: user, groupId: group },
    ...(sender === undefined ? {} : { hardwareType: 1, linkLayerHeader: ethernetHeader(sender) }),
  })
}

function simulated() {
  const kernel = new SimKernel({ devices: { 1: 'lo', 2: 'eth0', 3: 'eth10' } })
  const opened: unknown[] = []
  const transport = (needs: TransportNeeds) => {
    const it = kernel.open(needs)
    opened.push(it)
    return it
  }
  return { kernel, opened, transport }
}

/** Installs rules, sends packets, and compares their verdicts with those that the rules specify. */
async function compare(rules: readonly FirewallRule[], family: RuleFamily, sent: readonly Sent[]): Promise<void> {
  const { kernel, transport } = simulated()
  await using installed = await installRules(rules, { transport, family })
  const reader = new RuleReader(rules, family)
  for (const each of sent) {
    inject(kernel, each)
    reader.pass(...each)
  }
  expect((await installed.counters()).map((it) => it.packets)).toEqual(reader.counts)
  expect(kernel.delivered).toBe(reader.delivered)
}

describe('random rules on the simulated kernel', () => {
  test('match the packets that they describe, and do what they say', async () => {
    const sample = randomRules(['ip', 'ip6', 'inet']).chain((it) => fc.tuple(fc.constant(it), packetsFor(it.rules)))
    await fc.assert(
      fc.asyncProperty(sample, ([{ rules, family }, sent]) => compare(rules, family, sent)),
      { seed: SEED, numRuns: 100 },
    )
  }, 120_000)

  test('with one mutation are refused before anything is opened, or still do what they say', async () => {
    const sample = randomRules(['ip', 'ip6', 'inet', 'bridge', 'netdev', 'arp']).chain(({ family, rules }) =>
      fc.record({
        family: fc.constant(family),
        rules: fc.constant(rules),
        mutation: mutated(rules),
        sent: family === 'netdev' ? fc.constant([]) : packetsFor(rules),
      }),
    )
    const outcomes = { refused: 0, valid: 0 }
    const property = fc.asyncProperty(sample, async ({ family, mutation, sent }) => {
      const given = mutation.rules as FirewallRule[]
      const { kernel, opened, transport } = simulated()
      let refusal: unknown
      try {
        await using _rules = await installRules(given, { transport, family })
      } catch (error) {
        refusal = error
      }
      if (refusal === undefined) {
        outcomes.valid++
        expect(mutation.fault, mutation.what).toBeUndefined()
        if (family === 'ip' || family === 'ip6' || family === 'inet') await compare(given, family, sent)
        return
      }
      outcomes.refused++
      expect(refusal, mutation.what).toMatchObject({
        code: expect.stringMatching(/^(ARGUMENT|VALUE_RANGE)$/),
        path: mutation.fault ?? expect.stringMatching(/^rules\b/),
      })
      expect(opened).toEqual([])
      for (const each of sent) inject(kernel, each)
      expect(kernel.delivered).toBe(sent.length)
    })
    await fc.assert(property, { seed: SEED, numRuns: 300 })
    expect(outcomes.refused).toBeGreaterThan(150)
    expect(outcomes.valid).toBeGreaterThan(15)
  }, 120_000)
})

describe('single options on the simulated kernel', () => {
  test('a list of addresses matches each member, and nothing else', async () => {
    const { kernel, transport } = simulated()
    const sourceAddress = ['10.0.0.0/8', '192.168.1.1', '192.168.1.2/31']
    await using rules = await installRules(
      [
        { hook: 'output', match: { sourceAddress } },
        { hook: 'output', match: { not: { sourceAddress } } },
      ],
      { transport },
    )
    const sources = ['9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0', '192.168.1.0', '192.168.1.1']
    for (const source of [...sources, '192.168.1.2', '192.168.1.3', '192.168.1.4', '::1']) {
      const destination = source.includes(':') ? '::1' : '1.1.1.1'
      kernel.inject(udpPacket({ source, destination, sourcePort: 1, destinationPort: 2, payload: 'x' }))
    }
    expect((await rules.counters()).map((it) => it.packets)).toEqual([5, 4])
  })

  test('conntrack with a rule makes the kernel track connections, in the first rule', async () => {
    const kernel = new SimKernel({ conntrackGlue: true })
    const expressions = async (conntrack: boolean) => {
      await using queue = await openQueue({
        number: 3,
        conntrack,
        transport: (needs) => kernel.open(needs),
        rule: [{ hook: 'output', match: { protocol: 'udp' } }, { hook: 'input' }],
      })
      await using session = new Session(await kernel.open({ protocol: Protocol.Netfilter }))
      const rows = await session.dump({
        what: 'list rules',
        type: NfTablesMessage.GetRule,
        header: nfnetlinkHeader(0, 0),
        set: ruleAttributes,
        attributes: { table: queue.rules?.table },
      })
      return rows.map((row) =>
        (readNfnetlinkAttributes(row.view, ruleAttributes).expressions ?? []).map(({ name }) => name),
      )
    }
    const plain = await expressions(false)
    expect(plain.flat()).not.toContain('ct')
    const [first = [], ...others] = plain
    expect(await expressions(true)).toEqual([['ct', ...first], ...others])
  })

  test('a missing device is refused, an existing one is not', async () => {
    const { transport } = simulated()
    const rule = { hook: 'ingress', device: 'eth1' } as const
    await expect(installRules([rule], { transport, family: 'netdev' })).rejects.toMatchObject({
      code: 'RULES_REFUSED',
      message: expect.stringContaining("rules[0].device: there is no network device 'eth1'"),
    })
    await using rules = await installRules([{ ...rule, device: 'eth10' }], { transport, family: 'netdev' })
    expect(rules.family).toBe('netdev')
  })

  test.each([
    ['the expression log', [], 127],
    ['only the target NFLOG', ['log'], 63],
  ] as const)('a prefix on a kernel with %s', async (_, without, longest) => {
    const kernel = new SimKernel({ nfTables: { without } })
    const install = (length: number) =>
      installRules([{ hook: 'output', log: { group: 1, prefix: 'p'.repeat(length) } }], {
        transport: (needs) => kernel.open(needs),
        // The target NFLOG exists only in families ip and ip6.
        family: 'ip',
      })
    await using rules = await install(longest)
    expect(await rules.counters()).toHaveLength(1)
    await expect(install(longest + 1)).rejects.toMatchObject({ code: 'VALUE_RANGE', path: 'rules[0].log.prefix' })
  })
})
