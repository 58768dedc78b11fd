import { type Log, openLog, openSocket, type Transport } from 'ringlink'
import type { Stop } from '../command-line/stop.ts'
import { runPublisher } from '../nats/publishing.ts'
import { type Reading, readingOfPublished } from '../nats/reading.ts'
import type { NatsSettings } from '../nats/settings.ts'
import { openSimulatedLog } from '../simulated/kernel.ts'
import { transportOpener } from '../transports.ts'
import type { LogSettings } from './settings.ts'

/** Opens the log of the settings: on this machine, or over a transport that receives from others. */
export function openGivenLog(settings: LogSettings, from?: Transport): Promise<Log> {
  const { groups } = settings
  if (from === undefined) return openLocalLog(settings)
  return openLog({ group: groups.length === 0 ? 'any' : groups, transport: from })
}

function openLocalLog(settings: LogSettings, reading: Reading = {}): Promise<Log> {
  const { groups, threshold, timeout, copyRange } = settings
  const transport = transportOpener(settings.transport, (needs) => openSimulatedLog(needs, groups))
  // The rules are installed once the group is bound, and removed with the log, or with the process if it is killed.
  const rule =
    settings.rules.length === 0 ? undefined : settings.rules.map((it) => ({ ...it, prefix: settings.prefix }))
  const options = { group: groups, threshold, timeout, copyRange, transport, rule, ruleTransport: openSocket }
  return openLog({ ...options, ...reading })
}

/** Publishes the log of the settings until it is stopped, or enough packets were published. */
export async function publishLog(settings: LogSettings, nats: NatsSettings, stop: Stop): Promise<void> {
  const { json, stats, count } = settings
  await using log = await openLocalLog(settings, readingOfPublished())
  const finish = () => log.finish()
  await runPublisher({ source: log.frames(), settings: nats, json, stats, count, what: 'packets', finish }, stop)
}
