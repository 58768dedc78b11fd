import { escapeText } from '@ringlink/codec'
import type { NatsTransport } from '@ringlink/transport-nats'
import { formatTable } from '../terminal/table.ts'
import { whole } from '../terminal/text.ts'

/** What came from a host, over all runs of its publishers. */
export interface HostTotals {
  readonly host: string
  /** records or events, and the datagrams that they came in */
  messages: number
  frames: number
  /** datagrams that its kernel dropped */
  lost: number
  /** records or events that its publisher dropped */
  dropped: number
}

/** The hosts that a transport has heard of, by name. */
export function hostTotals({ hosts }: Pick<NatsTransport, 'hosts'>): HostTotals[] {
  const totals = new Map<string, HostTotals>()
  for (const { host, messages, frames, lost, droppedMessages } of hosts.values()) {
    const before = totals.get(host) ?? { host, messages: 0, frames: 0, lost: 0, dropped: 0 }
    before.messages += messages
    before.frames += frames
    before.lost += lost
    before.dropped += droppedMessages
    totals.set(host, before)
  }
  return [...totals.values()].sort((a, b) => (a.host < b.host ? -1 : 1))
}

/** The same as a table, a line for each host; empty if there are none. */
export function hostLines(transport: Pick<NatsTransport, 'hosts'> | undefined, what: string): string[] {
  const hosts = transport === undefined ? [] : hostTotals(transport)
  if (hosts.length === 0) return []
  const columns = [
    { title: 'hosts' },
    { title: what, align: 'right' },
    { title: 'lost datagrams', align: 'right' },
    { title: 'dropped', align: 'right' },
  ] as const
  return formatTable(
    columns,
    hosts.map(({ host, messages, lost, dropped }) => [escapeText(host), whole(messages), whole(lost), whole(dropped)]),
  )
}
