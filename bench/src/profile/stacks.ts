/** Where a frame of a stack belongs. */
export type FrameKind = 'kernel' | 'addon' | 'native' | 'javascript'

export interface Frame {
  readonly name: string
  readonly kind: FrameKind
}

/** A function in the tree of calls: the samples in it and in what it called. */
export interface CallNode {
  readonly frame: Frame
  samples: number
  readonly children: Map<string, CallNode>
}

/** A line of a stack in the output of `perf script`: address, symbol, and in parentheses the file. */
const LINE = /^\s*[0-9a-f]+ (.*) \((.*)\)$/

/** The tree of calls of `perf script -F comm,ip,sym,dso`: a header and, innermost first, its frames for each sample. */
export function treeOf(text: string): CallNode {
  const root: CallNode = { frame: { name: 'all', kind: 'native' }, samples: 0, children: new Map() }
  for (const sample of text.split('\n\n')) {
    const frames = sample.split('\n').flatMap((line) => {
      const [, symbol, file] = LINE.exec(line) ?? []
      return symbol === undefined || file === undefined ? [] : [frameOf(symbol, file)]
    })
    if (frames.length === 0) continue
    root.samples++
    let node = root
    for (const frame of frames.reverse()) {
      if (frame.name === UNKNOWN) continue
      node = childOf(node, frame)
      node.samples++
    }
  }
  return root
}

const UNKNOWN = '[unknown]'

function childOf(node: CallNode, frame: Frame): CallNode {
  const key = `${frame.kind} ${frame.name}`
  const found = node.children.get(key)
  if (found !== undefined) return found
  const child = { frame, samples: 0, children: new Map() }
  node.children.set(key, child)
  return child
}

/** V8's own builtins are part of running JavaScript, although they are in Node's binary. */
function frameOf(symbol: string, file: string): Frame {
  if (file.startsWith('[kernel') || file.startsWith('[guest') || file.endsWith('.ko'))
    return { name: symbol, kind: 'kernel' }
  if (file.endsWith('ringlink.node')) return { name: symbol, kind: 'addon' }
  if (/^(JS|Function|Script|Eval|RegExp|LazyCompile):/.test(symbol))
    return { name: javaScriptName(symbol), kind: 'javascript' }
  if (symbol.startsWith('Builtins_') || /perf-\d+\.map$/.test(file)) return { name: symbol, kind: 'javascript' }
  return { name: symbol, kind: 'native' }
}

/** `JS:*look file:///…/work.js:50:7`: the tier, the function and its place, of which the file and the line are kept. */
function javaScriptName(symbol: string): string {
  const [, name = '', place = ''] = /^\w+:[~^*+']*(\S*) ?(.*)$/.exec(symbol) ?? []
  const line = /([^/]*):(\d+):\d+$/.exec(place)
  const where = line === null ? '' : ` ${line[1]}:${line[2]}`
  return `${name === '' ? '(anonymous)' : name}${where}`
}

/** The share of each kind in the samples: of the innermost frames, that is, of what ran. */
export function sharesOf(root: CallNode): Record<FrameKind, number> {
  const shares = { kernel: 0, addon: 0, native: 0, javascript: 0 }
  for (const { frame, self } of selves(root)) shares[frame.kind] += self / Math.max(1, root.samples)
  return shares
}

/** The functions that ran most, without what they called: name, kind and share. */
export function hottest(root: CallNode, count: number): { readonly frame: Frame; readonly share: number }[] {
  const byName = new Map<string, { frame: Frame; share: number }>()
  for (const { frame, self } of selves(root)) {
    const key = `${frame.kind} ${frame.name}`
    const entry = byName.get(key) ?? { frame, share: 0 }
    entry.share += self / Math.max(1, root.samples)
    byName.set(key, entry)
  }
  return [...byName.values()].sort((one, other) => other.share - one.share).slice(0, count)
}

function* selves(node: CallNode): Generator<{ readonly frame: Frame; readonly self: number }> {
  let called = 0
  for (const child of node.children.values()) {
    called += child.samples
    yield* selves(child)
  }
  if (node.samples > called) yield { frame: node.frame, self: node.samples - called }
}
