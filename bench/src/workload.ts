import type { HandlerArguments, ImplementationName } from './implementations.ts'

export const GROUPS = [
  'queue',
  'latency',
  'gso',
  'scaling',
  'log',
  'conntrack',
  'codec',
  'ring',
  'ids',
  'million',
  'fairness',
  'resting',
  'rules',
] as const
export type Group = (typeof GROUPS)[number]

/** The traffic against the handler, see bench/peers/send.c and tcp.c. Sizes are bytes of UDP payload. */
export type Traffic =
  | { readonly kind: 'closed'; readonly window: number; readonly size: number; readonly addresses?: number }
  | { readonly kind: 'flood'; readonly size: number; readonly addresses?: number }
  | { readonly kind: 'drain'; readonly count: number; readonly size: number; readonly addresses?: number }
  | { readonly kind: 'latency'; readonly size: number }
  | { readonly kind: 'tcp' }

/** Who takes part in a workload. */
export interface Contender {
  /** unique in the workload; what tables call it */
  readonly name: string
  readonly implementation: ImplementationName
  readonly args?: HandlerArguments
  /** the folder of the built bench of another state of this repository, see compare.ts */
  readonly dist?: string
}

/** One measurement that several take part in, side by side. */
export interface Workload {
  readonly name: string
  readonly group: Group
  readonly title: string
  readonly unit: 'packets/s' | 'Gbit/s' | 'µs'
  readonly better: 'more' | 'less'
  readonly traffic: Traffic
  /** the port, which says the rule, see rules.ts */
  readonly port: number
  readonly args: HandlerArguments
  readonly contenders: readonly Contender[]
  /** part of `--quick` */
  readonly quick: boolean
}
