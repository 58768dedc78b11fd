/**
 * Shows any bytes as a readable tree or as text: for debugging, and in tests as a second decoder that shares no code
 * with the views. Never throws. Allocates freely, so it does not belong on a hot path.
 */

export type { MessageDescription } from '../messages.ts'
export { type InspectOptions, inspect, MAXIMUM_BYTES, MAXIMUM_MESSAGES, MAXIMUM_NODES } from './inspect.ts'
export type { DescribeMessage, MessageContext } from './source.ts'
export { inspectText } from './text.ts'
export type {
  AttributeNode,
  BytesNode,
  FieldNode,
  GroupNode,
  InspectNode,
  MessageNode,
  ProblemNode,
} from './tree.ts'
