import { type Check, check, formatChecks } from '@ringlink/example-shared/checks'
import type { DemoOutcome } from '@ringlink/example-shared/demo-inside'
import { formatRows, whole } from '@ringlink/example-shared/text'
import type { ConsumerReport, HostReport, Plan } from './protocol.ts'
import { countRanges } from './ranges.ts'

/** The counters of all participants. */
export interface FleetResult {
  readonly hosts: readonly (HostReport & { readonly name: string })[]
  readonly consumers: readonly ConsumerReport[]
  /** NATS messages in the stream */
  readonly streamMessages: number
  readonly seconds: number
  readonly plan: Plan
}

/** A host, as its own counters and the consumers have it, in records. */
interface HostCounts {
  readonly name: string
  readonly logged: number
  readonly published: number
  readonly stored: number
  readonly dropped: number
  readonly unconfirmed: number
  readonly lost: number
  readonly consumed: number
  /** came again, to the same program or to the other */
  readonly again: number
  /** dropped, as consumers were told */
  readonly told: number
}

export function formatResult(result: FleetResult, wantsJson: boolean): DemoOutcome {
  const hosts = result.hosts.map((host) => countsOf(host, result.consumers))
  const checks = checkResult(result, hosts)
  const failures = checks.filter(({ passed }) => !passed).map(({ what }) => what)
  const sum = (name: Exclude<keyof HostCounts, 'name'>) => hosts.reduce((total, host) => total + host[name], 0)
  const { seconds } = result
  const object = {
    hosts,
    ...{
      records: sum('logged'),
      stored: sum('stored'),
      dropped: sum('dropped'),
      consumed: sum('consumed'),
      again: sum('again'),
    },
    seconds,
  }
  if (wantsJson) return { text: JSON.stringify(object), failures }
  const rows = hosts.map(({ name, logged, stored, dropped, consumed }) => {
    return [
      name,
      logged,
      `logged = ${whole(stored)} stored + ${whole(dropped)} dropped; ${whole(consumed)} consumed`,
    ] as const
  })
  const title = `${whole(object.records)} records of three hosts through one NATS server in ${seconds} s`
  return { text: [title, '', formatRows(rows, '  '), '', formatChecks(checks)].join('\n'), failures }
}

function countsOf(
  { name, logged, stats }: FleetResult['hosts'][number],
  consumers: readonly ConsumerReport[],
): HostCounts {
  const { distinct, again } = countRanges(consumers.flatMap(({ ranges }) => ranges[name] ?? []))
  return {
    ...{ name, logged, published: stats.messages, stored: stats.storedMessages, dropped: stats.droppedMessages },
    ...{ unconfirmed: stats.unconfirmedMessages, lost: stats.lost, consumed: distinct, again },
    told: consumers.reduce((sum, { dropped }) => sum + (dropped[name] ?? 0), 0),
  }
}

function checkResult(
  { hosts: reports, consumers, streamMessages, plan }: FleetResult,
  hosts: readonly HostCounts[],
): Check[] {
  // Each publisher began with a message without frames.
  const batches = reports.reduce((sum, { stats }) => sum + stats.batches, reports.length)
  const reconnects = reports.map(({ stats }) => stats.reconnects)
  const again = hosts.reduce((sum, host) => sum + host.again, 0)
  const isScarce = (name: string) => (plan.buffers[name] ?? 0) <= 2 << 20
  return [
    ...hosts.flatMap((host) => {
      const { name, logged, published, stored, dropped, unconfirmed, lost, consumed, told } = host
      return [
        check(
          `${name}: logged = published: ${whole(logged)} = ${whole(published)}`,
          logged === published && lost === 0 && logged > 0,
        ),
        check(
          `${name}: published = stored + dropped: ${whole(published)} = ${whole(stored)} + ${whole(dropped)}`,
          published === stored + dropped && unconfirmed === 0 && dropped > 0 === isScarce(name),
        ),
        check(`${name}: stored = consumed: ${whole(stored)} = ${whole(consumed)}`, stored === consumed),
        check(`${name}: consumers know what was dropped: ${whole(told)}`, told === dropped),
      ]
    }),
    check(
      `messages in the stream = confirmed: ${whole(streamMessages)} = ${whole(batches)}`,
      streamMessages === batches,
    ),
    check(
      `the server was killed ${plan.kills} times, and every host found it again`,
      reconnects.every((count) => count >= plan.kills),
    ),
    check(
      `both programs worked: ${consumers.map(({ records }) => whole(records)).join(' and ')} records`,
      consumers.every(({ records }) => records > 0),
    ),
    check(`nothing twice: ${whole(again)} records came again`, again === 0),
  ]
}
