import { isNetlinkError } from '@ringlink/codec'
import type { NatsTransport } from '@ringlink/transport-nats'
import { type Connection, type Conntrack, type ConntrackOptions, openConntrack } from 'ringlink'
import type { ExitCode } from '../command-line/command.ts'
import { Stop } from '../command-line/stop.ts'
import type { ConntrackArguments } from '../commands/conntrack.ts'
import { openFrom } from '../nats/load.ts'
import { simulatedConntrack } from '../simulated/kernel.ts'
import { output } from '../terminal/output.ts'
import { transportOpener } from '../transports.ts'
import { FilteredConnection } from './filtered.ts'
import { publishEvents } from './publish.ts'
import { type ConntrackSettings, readSettings } from './settings.ts'
import { connectionJson, connectionLine } from './text.ts'
import { watch } from './watch.ts'

/** Lists, watches, counts or changes connections. */
export async function runConntrack(given: ConntrackArguments): Promise<ExitCode> {
  const settings = readSettings(given)
  const stop = new Stop(settings.seconds)
  const { nats } = settings
  if (nats?.direction === 'to') {
    await publishEvents(settings, nats, stop)
    return 0
  }
  const from = nats === undefined ? undefined : await openFrom(nats, stop.signal)
  const conntrack = await openConntrack(from === undefined ? transportOf(settings) : { transport: from })
  try {
    await run(conntrack, settings, stop, from)
    return 0
  } finally {
    await conntrack.close()
    await from?.closed
  }
}

/** A plain socket, unless another transport was asked for. */
function transportOf({ transport }: ConntrackSettings): ConntrackOptions {
  return transport === undefined ? {} : { transport: transportOpener(transport, simulatedConntrack()) }
}

async function run(conntrack: Conntrack, settings: ConntrackSettings, stop: Stop, from?: NatsTransport): Promise<void> {
  switch (settings.action) {
    case 'list':
      return list(conntrack, settings, stop)
    case 'watch':
      return watch(conntrack, settings, stop, from)
    case 'count':
      return count(conntrack, settings)
    case 'stats':
      return statistics(conntrack, settings)
    case 'delete':
      return change(conntrack, settings, 'deleted', (connection) => conntrack.delete(connection))
    case 'update':
      return change(conntrack, settings, 'updated', (connection) => conntrack.update(connection, settings.changes))
  }
}

/** The connections that the filters select. */
async function* selected(conntrack: Conntrack, settings: ConntrackSettings): AsyncGenerator<Connection> {
  const wanted = new FilteredConnection()
  for await (const batch of conntrack.listBatches(settings.filter)) {
    for (const view of batch) if (settings.isWanted?.(wanted.aim(view)) !== false) yield view.connection()
  }
}

async function list(conntrack: Conntrack, settings: ConntrackSettings, stop: Stop): Promise<void> {
  let shown = 0
  for await (const connection of selected(conntrack, settings)) {
    if (settings.json) output.json(connectionJson(connection))
    else output.line(connectionLine(connection))
    await output.drained()
    if (++shown >= settings.count || stop.isRequested) return
  }
}

async function count(conntrack: Conntrack, settings: ConntrackSettings): Promise<void> {
  const isFiltered =
    settings.isWanted !== undefined || Object.values(settings.filter).some((value) => value !== undefined)
  let connections = 0
  if (isFiltered) for await (const _ of selected(conntrack, settings)) connections++
  else connections = await conntrack.count()
  if (settings.json) output.json({ connections })
  else output.line(String(connections))
}

async function statistics(conntrack: Conntrack, { json }: ConntrackSettings): Promise<void> {
  const { global, processors, expectations } = await conntrack.statistics()
  if (json) {
    output.json({ global, processors, expectations })
    return
  }
  for (const { processor, counters } of processors) {
    const { chainTooLong, unknown: _, ...others } = counters
    const pairs = Object.entries(others).map(([name, value]) => `${snake(name)}=${value}`)
    if (chainTooLong !== undefined) pairs.push(`chaintoolong=${chainTooLong}`)
    output.line(`cpu=${processor} ${pairs.join(' ')}`)
  }
  output.line(`connections=${global.entries ?? 0} maximum=${global.maximum ?? 0}`)
}

/** `insertFailed` as conntrack -S has it: `insert_failed`. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

async function change(
  conntrack: Conntrack,
  settings: ConntrackSettings,
  event: string,
  apply: (connection: Connection) => Promise<void>,
): Promise<void> {
  let connections = 0
  for await (const connection of selected(conntrack, settings)) {
    try {
      await apply(connection)
      connections++
    } catch (error) {
      // It ended by itself before its turn.
      if (!isNetlinkError(error, 'CONNECTION_GONE')) throw error
    }
  }
  if (settings.json) output.json({ event, connections })
  else output.line(`${event} ${connections} connections`)
}
