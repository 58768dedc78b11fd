// The chart of a soak, as SVG: one panel for each measure over time.

const WIDTH = 760
const PANEL = 96
const MARGIN = { left: 70, right: 16, top: 26, bottom: 22 }
const LINE = '#2f6f9f'
const GRID = '#d5dbe0'
const TEXT = 'font-family="sans-serif" font-size="11" fill="#333333"'
const MiB = 2 ** 20

const panels = [
  { title: 'heap after a collection, MiB', value: ({ heap }) => heap / MiB },
  { title: 'buffers outside of the heap, MiB', value: ({ external }) => external / MiB },
  { title: 'resident memory, MiB', value: ({ resident }) => resident / MiB },
  { title: 'open descriptors', value: ({ descriptors }) => descriptors },
  { title: 'packets so far, millions', value: ({ packets }) => packets / 1e6 },
  { title: 'lost in full buffers and counted so far, thousands', value: ({ lost }) => lost / 1e3 },
]

/** @param samples of test/soak/drift.ts */
export function drawChart(samples) {
  const height = panels.length * PANEL + MARGIN.bottom
  const last = samples.at(-1)?.seconds ?? 1
  const across = (seconds) => MARGIN.left + (seconds / last) * (WIDTH - MARGIN.left - MARGIN.right)
  const drawn = panels.map((panel, index) => drawPanel(panel, index * PANEL, samples, across))
  const minutes = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const label = `${Math.round((part * last) / 6) / 10} min`
    return `<text ${TEXT} text-anchor="middle" x="${round(across(part * last))}" y="${height - 6}">${label}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${[...drawn, ...minutes].join('\n')}
</svg>
`
}

/** A panel from zero to a little more than its largest value. */
function drawPanel({ title, value }, top, samples, across) {
  const most = Math.max(...samples.map(value)) * 1.1 || 1
  const bottom = top + PANEL
  const down = (number) => bottom - (number / most) * (PANEL - MARGIN.top)
  const points = samples.map((sample) => `${round(across(sample.seconds))},${round(down(value(sample)))}`)
  const end = WIDTH - MARGIN.right
  const lines = [0, most / 2, most].map((number) => {
    const y = round(down(number))
    const label = `<text ${TEXT} text-anchor="end" x="${MARGIN.left - 6}" y="${y + 4}">${text(number)}</text>`
    return `<line x1="${MARGIN.left}" x2="${end}" y1="${y}" y2="${y}" stroke="${GRID}"/>${label}`
  })
  return `${lines.join('\n')}
<text ${TEXT} x="${MARGIN.left}" y="${top + 16}">${title}</text>
<polyline fill="none" stroke="${LINE}" stroke-width="1.5" points="${points.join(' ')}"/>`
}

function round(pixels) {
  return Math.round(pixels * 10) / 10
}

function text(number) {
  return number >= 10 ? `${Math.round(number)}` : number.toFixed(1)
}
