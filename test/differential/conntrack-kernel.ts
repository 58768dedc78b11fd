/**
 * How the connection tracking of this machine's kernel differs from that of others, for the simulated one to do as it
 * does.
 */
import { Family, MessageFlag, TupleFilterFlag } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import type { ConntrackOptions } from '@ringlink/transport-sim'
import type { CtMachine } from './conntrack-machine.ts'
import { runCt } from './conntrack-run.ts'
import {
  ask,
  CLIENT,
  type CtSettings,
  create,
  flush,
  inject,
  ip6,
  list,
  opened,
  packet,
  read,
  SERVER,
  tuple,
  udpHeader,
} from './conntrack-script.ts'

const OTHER_ZONE = 5
const ipv6 = {
  original: tuple(IpProtocol.Udp, ip6(1), 5, ip6(2), 53),
  reply: tuple(IpProtocol.Udp, ip6(2), 53, ip6(1), 5),
  timeout: 100,
}

/** What a machine is set to that is asked. */
export const probeSettings: CtSettings = { nf_conntrack_timestamp: 1 }

/** Asks a kernel that is set so. */
export async function probeConntrack(machine: CtMachine): Promise<ConntrackOptions> {
  const lines = await runCt(machine, [
    ...opened,
    inject(packet(IpProtocol.Udp, CLIENT, SERVER, udpHeader(1000, 53))),
    read('b'),
    ...ask(
      list({}, { family: Family.Ipv4 }),
      list({ zone: OTHER_ZONE }),
      flush({ filter: {} }),
      create(ipv6, { family: Family.Ipv6 }),
      list({ original: ipv6.original, filter: { originalFlags: TupleFilterFlag.Source } }, { family: Family.Ipv6 }),
    ),
  ])
  const [end, , , ...more] = lines.filter((line) => / done \d+ flags /.test(line))
  if (end === undefined || more.length > 0) throw new Error(`the dumps have not ended: ${lines.join('; ')}`)
  const rows = lines.filter((line) => line.includes('"type":256,"flags":2') || line.includes('"type":256,"flags":34'))
  return {
    eventTimestamps: lines.some((line) => line.includes(' 27=time')),
    // Of two lists, the one of a zone that has no connections.
    zoneFilters: rows.filter((row) => row.includes('"family":2')).length === 1,
    invertedIpv6Filters: !rows.some((row) => row.includes('"family":10')),
    flushFilters: !lines.some((line) => line.includes(': error 95 ')),
    filteredDone: end.endsWith(` ${MessageFlag.Multipart | MessageFlag.DumpFiltered}`),
  }
}
