import type { InspectNode } from '../../src/inspect/index.ts'

/** All nodes of trees. */
export function countNodes(nodes: readonly InspectNode[]): number {
  let count = 0
  const open = [...nodes]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    count++
    if ('children' in node) for (const child of node.children) open.push(child)
  }
  return count
}
