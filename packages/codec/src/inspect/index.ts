/**
 * Any bytes as a readable tree, or as text: for debugging, and for tests as a second decoder that shares no code with the
 * views. Never throws. It allocates freely and has no place on a hot path.
 */
export { type InspectOptions, inspect, MAXIMUM_BYTES, MAXIMUM_MESSAGES, MAXIMUM_NODES } from './inspect.ts'
export type { DescribeMessage } from './source.ts'
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
