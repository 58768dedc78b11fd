import { type Conntrack, ConntrackStatus, type Expectation } from '@ringlink/codec'
import { OptionPlace } from '@ringlink/codec/options'
import { changeValues, expectationValues } from './encode.ts'
import { checkVerdictChanges } from './schema.ts'
import type { ConnectionVerdict } from './types.ts'

/** The attributes of a verdict that change the connection of its packet. */
export interface VerdictValues {
  /** NFQA_CT */
  readonly conntrack: Conntrack
  /** NFQA_EXP */
  readonly expectation?: Expectation
}

const BITS_THAT_STAY = ConntrackStatus.SeenReply | ConntrackStatus.Assured

/**
 * The changes as attributes. Throws `OptionError` for what the kernel would ignore without an error; after the first
 * such attribute it ignores the rest, too.
 *
 * @param readConnection reads the connection that came with the packet; `undefined`: it came without
 */
export function connectionVerdict(
  given: ConnectionVerdict,
  readConnection: () => Conntrack | undefined,
): VerdictValues {
  const changes = checkVerdictChanges(given)
  const place = new OptionPlace('answer packet', 'connection')
  const connection = readConnection()
  if (connection === undefined) throw place.conflict(WITHOUT_CONNECTION)
  const { expectation, ...others } = changes
  const ignored = ignoredChange(changes, connection)
  if (ignored !== undefined) {
    const [name, why] = ignored
    throw place.member(name).conflict(`would have no effect: ${why}`)
  }
  // The kernel refuses to clear these.
  const conntrack = changeValues(others, (connection.status ?? 0) & BITS_THAT_STAY)
  return expectation === undefined ? { conntrack } : { conntrack, expectation: expectationValues(expectation) }
}

/** Why changes of a connection would have no effect on a packet without one. */
export const WITHOUT_CONNECTION =
  'would have no effect: the packet came without its connection; open the queue with conntrack: true, on a kernel with CONFIG_NETFILTER_NETLINK_GLUE_CT, and for packets that are tracked'

function ignoredChange(
  { timeout, helper, expectation }: ConnectionVerdict,
  { status = 0, helper: own }: Conntrack,
): [name: string, why: string] | undefined {
  if (timeout !== undefined && (status & ConntrackStatus.FixedTimeout) !== 0)
    return ['timeout', 'the connection has the status fixed-timeout']
  if (helper !== undefined && helper !== (own?.name ?? '')) {
    if (helper !== '')
      return ['helper', 'the kernel gives a connection its helper when it begins, by a rule (ct helper set)']
    if ((status & ConntrackStatus.Expected) !== 0)
      return ['helper', 'the connection was expected, and keeps its helper']
  }
  if (expectation !== undefined && (own === undefined || helper === ''))
    return ['expectation', 'the connection has no helper, and the kernel expects connections for helpers only']
  return undefined
}
