import { execFileSync } from 'node:child_process'

/** UDP or TCP port of traffic, and with it the rule that it meets. */
export const Port = {
  /** queue 0 */
  Queue: 9000,
  /** queues 0 and 1, by address */
  TwoQueues: 9002,
  /** queues 0 to 3, by address */
  FourQueues: 9004,
  /** no queue */
  Unqueued: 9006,
  /** an HTTP server; no queue */
  Http: 9200,
  /** TCP; the direction of the data goes to queue 0 */
  Tcp: 9100,
  /** the rules that ringlink installs for the group `rules` */
  Rules: 9400,
  /** log group 1, a message for each packet */
  Log1: 9301,
  /** log group 64, a message for 64 packets */
  Log64: 9364,
} as const

/** Segments of this size, so that segmentation offload has something to save. */
const MTU = 1500

const rules = [
  `-A OUTPUT -p udp --dport ${Port.Queue} -j NFQUEUE --queue-num 0`,
  `-A OUTPUT -p udp --dport ${Port.TwoQueues} -j NFQUEUE --queue-balance 0:1`,
  `-A OUTPUT -p udp --dport ${Port.FourQueues} -j NFQUEUE --queue-balance 0:3`,
  `-A OUTPUT -p tcp --dport ${Port.Tcp} -j NFQUEUE --queue-num 0`,
  ...[1, 64].map(
    (threshold) =>
      `-A OUTPUT -p udp --dport ${9300 + threshold} -j NFLOG --nflog-group ${threshold} --nflog-prefix bench --nflog-threshold ${threshold}`,
  ),
  `-A INPUT -p udp --dport ${Port.Log1}:${Port.Log64} -j DROP`,
]

/** Makes the network of all measurements, in a namespace that is ours alone. */
export function makeNetwork(): void {
  const run = (command: string, args: string) => execFileSync(command, args.split(' '), { stdio: 'inherit' })
  run('ip', `link set lo up mtu ${MTU}`)
  for (const rule of rules) run('iptables', `-w ${rule}`)
}
