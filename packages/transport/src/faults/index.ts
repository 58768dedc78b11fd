/**
 * Faults for any transport: what a program must survive, reproducible by a seed, and counted.
 *
 *     const transport = withFaults(await openSocket(options), [drop({ probability: 0.01 })], { seed: 1 })
 */
export type { Fault, FaultContext, FaultFrame, FaultStats, ReceiveFault, SendFault } from './fault.ts'
// biome-ignore lint/performance/noBarrelFile: the entry of `@ringlink/transport/faults`
export {
  corrupt,
  type DelayOptions,
  delay,
  drop,
  duplicate,
  type FaultOptions,
  type LimitOptions,
  type OverrunOptions,
  overrun,
  reorder,
  shortSend,
  truncate,
} from './kinds.ts'
export { Random } from './random.ts'
export { type FaultyTransport, type WithFaultsOptions, withFaults } from './transport.ts'
