import * as echarts from 'echarts'
import type { Results } from '../results.ts'
import type { Spread } from '../statistics.ts'
import { ratioOf, spreadOfValue } from '../summary.ts'
import { formatNumber } from '../text-report.ts'

const WIDTH = 760
const BAR = 26
const MARGIN = 70
const OURS = '#2f6f9f'
const THEIRS = '#a8b3bd'
const RANGE = '#333333'

/** A drawing: its file name, without extension, and the SVG. */
export interface Chart {
  readonly name: string
  readonly svg: string
}

interface Bar {
  readonly label: string
  readonly spread: Spread
  readonly isOurs: boolean
}

/** The workloads that have a drawing of their own. */
const drawn = ['closed-1024', 'drain', 'latency', 'tcp-gso', 'drain-2-queues', 'log-64', 'codec-usual', 'ids-drain']
/** The workloads of the ring in one drawing, as ratios to the socket. */
const rings = ['ring-drain', 'ring-drain-1400', 'ring-closed-1024', 'ring-closed-1024-1400', 'hold']

/** Draws everything that was measured. */
export function drawCharts(results: Results): Chart[] {
  return [...drawn.flatMap((name) => drawWorkload(results, name)), ...drawRings(results)]
}

function drawWorkload(results: Results, name: string): Chart[] {
  const workload = results.workloads.find((candidate) => candidate.name === name)
  if (workload === undefined) return []
  const bars = workload.contenders.flatMap((contender): Bar[] => {
    const spread = spreadOfValue(results, name, contender)
    return spread === undefined ? [] : [{ label: contender, spread, isOurs: isOurs(contender) }]
  })
  return bars.length === 0 ? [] : [{ name, svg: drawBars(`${workload.title}: ${workload.unit}`, bars) }]
}

function drawRings(results: Results): Chart[] {
  const bars = rings.flatMap((workload) =>
    (['ring', 'ring-kernel-thread'] as const).flatMap((contender): Bar[] => {
      const spread = ratioOf(results, workload, contender, 'socket')
      return spread === undefined ? [] : [{ label: `${workload}, ${contender}`, spread, isOurs: contender === 'ring' }]
    }),
  )
  return bars.length === 0 ? [] : [{ name: 'ring', svg: drawBars('ring / socket', bars) }]
}

function isOurs(contender: string): boolean {
  return !/^(c-|npm-|naive|binary)/.test(contender)
}

/** One bar for each, the median; a thin line for the range. */
function drawBars(title: string, bars: readonly Bar[]): string {
  const height = MARGIN + bars.length * BAR
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  const ranges = bars.map(({ spread }, index) => [index, spread.minimum, spread.maximum])
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, textStyle: { fontSize: 13, fontWeight: 'normal' } },
    grid: { left: 48, right: 60, top: 36, bottom: 8, containLabel: true },
    xAxis: { type: 'value', axisLabel: { formatter: axisText } },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ label, spread }) => `${label}  ${formatNumber(spread.median)}`),
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: 15,
        data: bars.map(({ spread, isOurs: ours }) => ({
          value: spread.median,
          itemStyle: { color: ours ? OURS : THEIRS },
        })),
      },
      { type: 'custom', data: ranges, encode: { x: [1, 2], y: 0 }, renderItem: drawRange, z: 3 },
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}

function drawRange(_parameters: unknown, api: echarts.CustomSeriesRenderItemAPI) {
  const index = api.value(0)
  const [from = 0, y = 0] = api.coord([api.value(1), index])
  const [to = 0] = api.coord([api.value(2), index])
  return { type: 'line' as const, shape: { x1: from, y1: y, x2: to, y2: y }, style: { stroke: RANGE, lineWidth: 2 } }
}

function axisText(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`
  return value >= 1e3 ? `${value / 1e3} k` : String(value)
}
