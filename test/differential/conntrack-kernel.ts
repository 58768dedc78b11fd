/**
 * How the connection tracking of this machine's kernel differs from that of others, for the simulated one to do as it
 * does.
 */
import { Family, MessageFlag } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import type { ConntrackOptions } from '@ringlink/transport-sim'
import { CtRealMachine } from './conntrack-machine.ts'
import { runCt } from './conntrack-run.ts'
import { ask, CLIENT, inject, list, opened, packet, read, SERVER, udpHeader } from './conntrack-script.ts'

/** Asks the kernel. */
export async function probeConntrack(): Promise<ConntrackOptions> {
  await using real = await CtRealMachine.make({ nf_conntrack_timestamp: 1 })
  const lines = await runCt(real, [
    ...opened,
    inject(packet(IpProtocol.Udp, CLIENT, SERVER, udpHeader(1000, 53))),
    read('b'),
    ...ask(list({}, { family: Family.Ipv4 })),
  ])
  const end = lines.find((line) => / done \d+ flags /.test(line))
  if (end === undefined) throw new Error(`the dump has not ended: ${lines.join('; ')}`)
  return {
    maximum: await real.setting('nf_conntrack_max'),
    eventTimestamps: lines.some((line) => line.includes(' 27=time')),
    filteredDone: end.endsWith(` ${MessageFlag.Multipart | MessageFlag.DumpFiltered}`),
  }
}
