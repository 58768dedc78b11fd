/** A simulated kernel with traffic, for --transport sim: to try a command without Linux, root or rules. */
import { SimKernel } from '@ringlink/transport-sim'
import { Hook, type Transport, type TransportNeeds } from 'ringlink'
import { simulatedTraffic } from './traffic.ts'

/** Milliseconds between two rounds of traffic. */
const INTERVAL = 20
/** Packets per round: enough for a queue to show a rate, few for a log that is read line by line. */
const QUEUE_ROUND = 64
const LOG_ROUND = 1
/** Rounds of traffic before the first listing. */
const FIRST_CONNECTIONS = 20

/** A kernel with a rule that sends everything to queue `number`. */
export function openSimulatedQueue(needs: TransportNeeds, number: number): Transport {
  const kernel = new SimKernel({ seed: 1 + number })
  kernel.addRule({ hook: Hook.Output, queue: number })
  return openWithTraffic(kernel, needs, QUEUE_ROUND)
}

/** A kernel with rules that log everything to each of `groups`. */
export function openSimulatedLog(needs: TransportNeeds, groups: readonly number[]): Transport {
  const kernel = new SimKernel({ seed: 1 })
  for (const group of groups) kernel.addRule({ hook: Hook.Output, log: { group, prefix: `simulated ${group}: ` } })
  return openWithTraffic(kernel, needs, LOG_ROUND)
}

/** Opens sockets of one kernel that tracks connections: some at first, and more as time passes. */
export function simulatedConntrack(): (needs: TransportNeeds) => Transport {
  const kernel = new SimKernel({ seed: 1, conntrack: { track: 'always' } })
  for (let round = 0; round < FIRST_CONNECTIONS; round++) injectAll(kernel, simulatedTraffic(round))
  let round = FIRST_CONNECTIONS
  let sockets = 0
  const timer = setInterval(() => {
    injectAll(kernel, simulatedTraffic(round++))
    kernel.clock.advance(INTERVAL)
  }, INTERVAL)
  return (needs) => {
    const transport = kernel.open(needs)
    sockets++
    transport.events.on('close', () => {
      if (--sockets === 0) clearInterval(timer)
    })
    return transport
  }
}

function injectAll(kernel: SimKernel, packets: readonly Uint8Array[]): void {
  for (const packet of packets) kernel.inject(packet)
}

function openWithTraffic(kernel: SimKernel, needs: TransportNeeds, round: number): Transport {
  const transport = kernel.open(needs)
  const packets = simulatedTraffic()
  let next = 0
  const timer = setInterval(() => {
    for (let i = 0; i < round; i++) kernel.inject(packets[next++ % packets.length] as Uint8Array)
    kernel.clock.advance(INTERVAL)
  }, INTERVAL)
  transport.events.on('close', () => clearInterval(timer))
  return transport
}
