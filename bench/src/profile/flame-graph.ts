import type { CallNode, FrameKind } from './stacks.ts'

const WIDTH = 1200
const ROW = 16
const HEAD = 64
const MARGIN = 10
/** Frames narrower than so many pixels are left out, which keeps a drawing small; what they called is, too. */
const NARROWEST = 0.6
/** Pixels of a letter, and the fewest letters that are worth being drawn. */
const LETTER = 6.4
const FEWEST = 3

const colours: Readonly<Record<FrameKind, string>> = {
  kernel: '#e8a33d',
  native: '#9fb7c9',
  addon: '#b58bd1',
  javascript: '#8dbf67',
}

const titles: Readonly<Record<FrameKind, string>> = {
  kernel: 'kernel',
  native: 'Node and libraries',
  addon: "ringlink's addon",
  javascript: 'JavaScript',
}

/**
 * A flame graph: each function is as wide as its share of the samples, on top of the one that called it. Pointing at
 * one shows its name and its share.
 */
export function flameGraph(root: CallNode, title: string, shares: Readonly<Record<FrameKind, number>>): string {
  const scale = (WIDTH - 2 * MARGIN) / Math.max(1, root.samples)
  const boxes: string[] = []
  const rows = depthOf(root, scale)
  const height = HEAD + rows * ROW + MARGIN
  draw(root, MARGIN, 0)
  const legend = (Object.keys(colours) as FrameKind[]).map((kind, index) => {
    const x = MARGIN + index * 220
    return `<rect x="${x}" y="34" width="12" height="12" fill="${colours[kind]}"/><text x="${x + 18}" y="44">${escaped(titles[kind])}: ${percent(shares[kind])}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="monospace" font-size="11">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="22" font-size="14">${escaped(title)}, ${root.samples} samples</text>`,
    ...legend,
    ...boxes,
    '</svg>',
    '',
  ].join('\n')

  function draw(node: CallNode, x: number, depth: number): void {
    const width = node.samples * scale
    if (width < NARROWEST) return
    const y = height - MARGIN - (depth + 1) * ROW
    const { name, kind } = node.frame
    const share = percent(node.samples / Math.max(1, root.samples))
    const letters = Math.floor((width - 4) / LETTER)
    const label =
      letters < FEWEST ? '' : `<text x="${round(x + 2)}" y="${y + 11}">${escaped(cut(name, letters))}</text>`
    boxes.push(
      `<g><title>${escaped(name)} (${titles[kind]}), ${share}</title><rect x="${round(x)}" y="${y}" width="${round(width)}" height="${ROW - 1}" fill="${colours[kind]}"/>${label}</g>`,
    )
    let from = x
    for (const child of ordered(node)) {
      draw(child, from, depth + 1)
      from += child.samples * scale
    }
  }
}

/** Children in the order of their names: two drawings of the same program look alike. */
function ordered(node: CallNode): CallNode[] {
  return [...node.children.values()].sort((one, other) => (one.frame.name < other.frame.name ? -1 : 1))
}

/** Rows of the frames that are wide enough. */
function depthOf(node: CallNode, scale: number): number {
  if (node.samples * scale < NARROWEST) return 0
  return 1 + Math.max(0, ...[...node.children.values()].map((child) => depthOf(child, scale)))
}

function cut(name: string, letters: number): string {
  return name.length <= letters ? name : `${name.slice(0, letters - 1)}\u2026`
}

function round(value: number): string {
  return value.toFixed(1)
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign)
}
