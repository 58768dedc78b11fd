// A kernel that is made up, for --transport sim: to try the example without Linux, root or rules.

import { icmpFlow, mixFlows, tcpFlow, udpFlow } from '@ringlink/scenarios'
import { SimKernel } from '@ringlink/transport-sim'
import { Hook, type Transport, type TransportNeeds } from 'ringlink'

/** milliseconds between two rounds of traffic, and packets in each */
const INTERVAL = 20
const ROUND = 64

/** A simulated kernel whose rule sends everything to queue `number`: web, name look-ups and pings, over and over. */
export function openSimulated(needs: TransportNeeds, number: number): Transport {
  const kernel = new SimKernel({ seed: 1 + number })
  kernel.addRule({ hook: Hook.Output, queue: number })
  const transport = kernel.open(needs)
  const packets = traffic()
  let next = 0
  const timer = setInterval(() => {
    for (let i = 0; i < ROUND; i++) kernel.inject(packets[next++ % packets.length] as Uint8Array)
    kernel.clock.advance(INTERVAL)
  }, INTERVAL)
  transport.events.on('close', () => clearInterval(timer))
  return transport
}

function traffic(): Uint8Array[] {
  const client = { address: '192.0.2.1', port: 40000 }
  const client6 = { address: '2001:db8::1', port: 40000 }
  const flows = [
    tcpFlow({ client, server: { address: '198.51.100.7', port: 443 }, request: 900, response: 60_000, seed: 1 }),
    tcpFlow({
      client: client6,
      server: { address: '2001:db8::7', port: 80 },
      request: 'GET /',
      response: 9000,
      seed: 2,
    }),
    udpFlow({ client, server: { address: '203.0.113.53', port: 53 }, request: 40, response: 120, count: 20, seed: 3 }),
    icmpFlow({ client: client.address, server: '198.51.100.7', count: 10, seed: 4 }),
  ]
  return mixFlows(flows, 5).map(({ packet }) => packet)
}
