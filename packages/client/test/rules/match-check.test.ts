/** Matches and actions that no packet can meet, or that the kernel would refuse, are refused with their path. */
import { SimKernel } from '@ringlink/transport-sim'
import { expect, test } from 'vitest'
import { type FirewallRule, installRules, type RuleFamily } from '../../src/index.ts'

const input = (match: FirewallRule['match'], more: Partial<FirewallRule> = {}): FirewallRule => ({
  hook: 'input',
  match,
  ...more,
})

type Refused = readonly [rule: FirewallRule, path: string, text: string, family?: RuleFamily]

const refused: readonly Refused[] = [
  [input({ destinationPort: 53 }), 'match.destinationPort', 'match.protocol is missing'],
  [input({ protocol: ['tcp', 'icmp'], sourcePort: 1 }), 'match.sourcePort', 'icmp does not'],
  [input({ protocol: 'icmp', sourceAddress: '::1' }), 'match.protocol', 'cannot go with ::1'],
  [input({ protocol: 'icmpv6', ttl: 3 }), 'match.protocol', 'cannot go with ttl'],
  [input({ sourceAddress: '10.0.0.1', not: { hopLimit: 3 } }), 'match.not.hopLimit', 'cannot go with 10.0.0.1'],
  [input({ version: 4 }), 'match.version', 'never occurs in a packet of family ip6', 'ip6'],
  [input({ protocol: 'udp', sourcePort: [1, { from: 5, to: 9 }, 7] }), 'match.sourcePort[2]', 'overlaps'],
  [input({ sourceAddress: ['10.0.0.0/8', '10.1.0.0/16'] }), 'match.sourceAddress[1]', 'overlaps'],
  [input({ inputInterface: ['eth*', 'eth0'] }), 'match.inputInterface[1]', 'overlaps'],
  [input({ dscp: 'ef' }), 'match.dscp', 'needs an IP version'],
  [input({ fragment: true }), 'match.fragment', 'needs an IP version'],
  [input({ icmpType: 8 }), 'match.icmpType', 'match.protocol is missing'],
  [input({ protocol: 'icmp', icmpType: 'nd-redirect' }), 'match.icmpType', 'is not a message of icmp'],
  [input({ protocol: ['icmp', 'icmpv6'], icmpType: 3 }), 'match.icmpType', 'and not both'],
  [input({ protocol: 'udp', tcpFlags: 'syn' }), 'match.tcpFlags', 'needs protocol tcp'],
  [
    input({ protocol: 'tcp', tcpFlags: { flags: ['syn'], mask: ['ack'] } }),
    'match.tcpFlags.flags[0]',
    'must be one of mask',
  ],
  [
    { hook: 'output', match: { sourceHardwareAddress: '02:00:00:00:00:01' } },
    'match.sourceHardwareAddress',
    'no Ethernet',
  ],
  [{ hook: 'output', match: { socket: 'existing' } }, 'match.socket', 'cannot be matched at hook output'],
  [{ hook: 'output', match: { reversePath: true } }, 'match.reversePath', 'cannot be matched at hook output'],
  [input({ not: { socket: 'existing' } }), 'match.not.socket', 'cannot be told'],
  [input({ ctMark: 1 }, { priority: 'raw' }), 'match.ctMark', 'before connection tracking'],
  [input({ protocol: 'tcp', not: { protocol: ['tcp', 'udp'] } }), 'match.not.protocol', 'excludes all'],
  [
    input({ packetLength: { from: 5, to: 9 }, not: { packetLength: [5, { from: 6, to: 20 }] } }),
    'match.not.packetLength',
    'excludes all',
  ],
  [input({ version: 4, fragment: true, not: { fragment: true } }), 'match.not.fragment', 'excludes all'],
  [input({ not: { sourcePort: { from: 0, to: 0xffff } }, protocol: 'udp' }), 'match.not.sourcePort', 'every value'],
  [
    input({
      version: 4,
      not: {
        dscp: [
          { from: 0, to: 31 },
          { from: 32, to: 63 },
        ],
      },
    }),
    'match.not.dscp',
    'every value',
  ],
  [input({ not: { timeOfDay: { from: '00:00', to: '23:59:59' } } }), 'match.not.timeOfDay', 'every value'],
  [
    input({ not: { ctState: ['new', 'established', 'related', 'invalid', 'untracked'] } }),
    'match.not.ctState',
    'every value',
  ],
  [input({ mark: 5, not: { mark: { value: 1, mask: 1 } } }), 'match.not.mark', 'excludes all'],
  [
    input({ protocol: 'tcp', tcpFlags: { flags: ['syn'], mask: ['syn', 'ack'] }, not: { tcpFlags: 'syn' } }),
    'match.not.tcpFlags',
    'excludes all',
  ],
  [input({ ctState: ['invalid', 'untracked'], ctMark: 5 }), 'match.ctMark', 'untracked have none'],
  [input({ ctState: 'invalid', not: { ctStatus: 'assured' } }), 'match.not.ctStatus', 'invalid have none'],
  [input({ etherType: 'ip6', sourceAddress: '10.0.0.1' }), 'match.etherType', 'never occurs in a packet of IPv4'],
  [input({ nextHeader: 'tcp', ttl: 5 }), 'match.nextHeader', 'cannot go with ttl'],
  [input({ ctState: 'new', not: { ctState: ['new', 'related'] } }), 'match.not.ctState', 'excludes all'],
  [input({}, { limit: { rate: 1, per: 'second', by: 'sourceAddress' } }), 'limit.by', 'needs an IP version'],
  [input({}, { setDscp: 'ef' }), 'setDscp', 'needs an IP version'],
  [input({}, { reject: { icmp: 'net-prohibited' } }), 'reject.icmp', 'needs packets of IPv4'],
  [input({ version: 6 }, { reject: { icmp: 3 } }), 'reject.icmp', 'needs packets of IPv4'],
  [input({}, { reject: { icmpv6: 'policy-fail' } }), 'reject.icmpv6', 'use family ip6', 'ip'],
  [input({}, { reject: 'tcp-reset' }), 'reject', "needs match.protocol 'tcp'"],
  [input({}, { reject: 'no-route', verdict: 'drop' }), 'verdict', 'cannot go with reject'],
  [{ hook: 'postrouting', reject: 'no-route' }, 'reject', 'is not possible at hook postrouting'],
  [input({}, { notrack: true }), 'notrack', 'is not possible at hook input'],
  [{ hook: 'output', notrack: true }, 'notrack', 'needs a priority before connection tracking'],
  [input({}, { setCtMark: 1, priority: 'raw' }), 'setCtMark', 'before connection tracking'],
  [input({}, { jump: 'nowhere' }), 'jump', "no rule has chain 'nowhere'"],
  [{ chain: 'a', jump: 'a' }, 'jump', 'leads back to chain a'],
  [{ chain: 'input', verdict: 'drop' }, 'chain', 'cannot be input'],
  [{ chain: 'a', hook: 'input' }, 'hook', 'cannot go with chain'],
  [{ verdict: 'drop' }, 'hook', 'is missing'],
]

test.each(refused.map((it) => ({ it, name: `${JSON.stringify(it[0])} at ${it[1]}` })))(
  '$name is refused',
  async ({ it }) => {
    const [rule, path, text, family] = it
    const kernel = new SimKernel()
    let opened = 0
    const transport = (needs: Parameters<typeof kernel.open>[0]) => {
      opened++
      return kernel.open(needs)
    }
    const error: unknown = await installRules([rule], { transport, family }).catch((it: unknown) => it)
    expect(error).toMatchObject({
      name: 'OptionError',
      code: 'ARGUMENT',
      path: `rules[0].${path}`,
      message: expect.stringContaining(text),
    })
    expect(opened).toBe(0)
  },
)

test('a kernel without an expression says which property needs it', async () => {
  const kernel = new SimKernel({ nfTables: { without: ['meta', 'fib'] } })
  const transport = (needs: Parameters<typeof kernel.open>[0]) => kernel.open(needs)
  const match = { timeOfDay: { from: '08:00', to: '09:00' } }
  await expect(installRules([{ hook: 'input', match }], { transport })).rejects.toMatchObject({
    code: 'RULES_UNSUPPORTED',
    expression: 'meta',
    message: expect.stringContaining('the expression meta (meta hour)'),
  })
  await expect(installRules([{ hook: 'input', match: { reversePath: true } }], { transport })).rejects.toMatchObject({
    code: 'RULES_UNSUPPORTED',
    expression: 'fib',
  })
})
