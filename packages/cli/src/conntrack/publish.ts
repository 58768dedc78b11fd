import { NetfilterGroup } from '@ringlink/codec'
import { conntrackEventNeeds, openTransport } from 'ringlink'
import type { Stop } from '../command-line/stop.ts'
import { runPublisher } from '../nats/publishing.ts'
import type { NatsSettings } from '../nats/settings.ts'
import type { ConntrackSettings } from './settings.ts'

const GROUPS = {
  new: NetfilterGroup.ConntrackNew,
  update: NetfilterGroup.ConntrackUpdate,
  destroy: NetfilterGroup.ConntrackDestroy,
}

/** Publishes events of connections until it is stopped, or enough were published. */
export async function publishEvents(settings: ConntrackSettings, nats: NatsSettings, stop: Stop): Promise<void> {
  const { json, stats, count } = settings
  await using source = await openTransport(conntrackEventNeeds)
  for (const event of settings.events) source.joinGroup(GROUPS[event])
  // The kernel collects nothing: what has happened was delivered.
  const finish = async () => {}
  await runPublisher({ source, settings: nats, json, stats, count, what: 'events', finish }, stop)
}
