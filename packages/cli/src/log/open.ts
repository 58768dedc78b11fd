import { type Log, type LogOptions, openLog, openSocket, type Transport } from 'ringlink'
import type { Stop } from '../command-line/stop.ts'
import { runPublisher } from '../nats/publishing.ts'
import type { NatsSettings } from '../nats/settings.ts'
import { openSimulatedLog } from '../simulated/kernel.ts'
import { transportOpener } from '../transports.ts'
import type { LogSettings } from './settings.ts'

/**
 * A log that is published is read less often, because its frames wait for others anyway (`delay` of `publish`), into a
 * buffer of the kernel that holds five times as much, as five times the default interval needs.
 */
const PUBLISHED: Pick<LogOptions, 'readInterval' | 'receiveBufferSize'> = {
  readInterval: 50,
  receiveBufferSize: 160 * 1024 * 1024,
}

/** Opens the log of the settings: on this machine, or over a transport that receives from others. */
export function openGivenLog(
  settings: LogSettings,
  from?: Transport,
  reading: Pick<LogOptions, 'readInterval' | 'receiveBufferSize'> = {},
): Promise<Log> {
  const { groups, threshold, timeout, copyRange } = settings
  if (from !== undefined) return openLog({ group: groups.length === 0 ? 'any' : groups, transport: from })
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
  await using log = await openGivenLog(settings, undefined, PUBLISHED)
  const finish = () => log.finish()
  await runPublisher({ source: log.frames(), settings: nats, json, stats, count, what: 'packets', finish }, stop)
}
