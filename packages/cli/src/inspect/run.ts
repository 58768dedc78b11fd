import { Protocol, quoteText } from '@ringlink/codec'
import { type DescribeMessage, inspect, inspectText } from '@ringlink/codec/inspect'
import type { ExitCode } from '../command-line/command.ts'
import { didYouMean } from '../command-line/nearest.ts'
import { Stop } from '../command-line/stop.ts'
import { readName, UsageError } from '../command-line/values.ts'
import { BYTE_ORDERS, INPUT_FORMATS, type InspectArguments, PROTOCOL_NAMES } from '../commands/inspect.ts'
import { loadFamily } from '../families/load.ts'
import { FamilyTables } from '../families/tables.ts'
import { output } from '../terminal/output.ts'
import { paintFor } from '../terminal/paint.ts'
import { whole } from '../terminal/text.ts'
import type { Chunk } from './chunk.ts'
import { readInputs } from './input.ts'
import { nodeObject, paintLine } from './text.ts'

/** The byte order of this machine. */
const HOST_ORDER = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'little' : 'big'

/** Shows netlink bytes. */
export async function runInspect({ values, operands }: InspectArguments): Promise<ExitCode> {
  const format = readName('--format', values.format, INPUT_FORMATS) ?? 'auto'
  const byteOrder = readName('--byte-order', values['byte-order'], BYTE_ORDERS)
  const protocol = readProtocol(values.protocol)
  const stop = new Stop()
  const show = values.json ? showJson : showText
  if (operands.length === 0 && process.stdin.isTTY) {
    process.stderr.write('reading standard input: paste hexadecimal digits, end with Ctrl-D\n')
  }
  const warn = (text: string) => process.stderr.write(`ringlink inspect: ${text}\n`)
  const inputs = readInputs(operands, { format, signal: stop.signal, stdin: process.stdin, warn })
  const chunks = inputs[Symbol.asyncIterator]()
  const tables = new FamilyTables(runningFamilies)
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), stop.requested])
      if (next === undefined || next.done === true || stop.isRequested) break
      const chunk = {
        ...next.value,
        protocol: next.value.protocol ?? protocol,
        byteOrder: byteOrder ?? next.value.byteOrder,
      }
      const isForeign = chunk.byteOrder !== undefined && chunk.byteOrder !== HOST_ORDER
      await tables.prepare(chunk.bytes, chunk.protocol ?? Protocol.Netfilter, isForeign)
      show(chunk, tables.describe)
      await output.drained()
    }
  } catch (error) {
    if (!stop.isRequested) throw error
  }
  // A terminal or pipe without a writer would keep the process alive.
  process.stdin.destroy()
  return 0
}

function readProtocol(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const names = Object.keys(PROTOCOL_NAMES)
  const name = text.toLowerCase().replace(/^netlink_/, '')
  const known = Object.entries(PROTOCOL_NAMES).find(([it]) => it === name)
  if (known !== undefined) return known[1]
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (number <= 0xff) return number
  const expected = `${names.join(', ')} or a number from 0 to 255`
  throw new UsageError(`--protocol must be ${expected}, got ${quoteText(text)}${didYouMean(name, names)}`)
}

function optionsOf({ protocol, byteOrder }: Chunk) {
  return {
    ...(protocol === undefined ? {} : { protocol }),
    ...(byteOrder === undefined ? {} : { byteOrder }),
  }
}

/** The generic families of the running kernel, or none where it cannot be asked. */
async function runningFamilies(): Promise<ReadonlyMap<number, string>> {
  try {
    // Only now: most input needs no socket.
    const { openFamily } = await import('ringlink')
    await using controller = await openFamily(await loadFamily('nlctrl'))
    const rows = (await controller.dump('getfamily')) as { familyId?: number; familyName?: string }[]
    return new Map(rows.map(({ familyId, familyName }) => [familyId ?? 0, familyName ?? '']))
  } catch {
    return new Map()
  }
}

function showText(chunk: Chunk, describe: DescribeMessage): void {
  const paint = paintFor(process.stdout)
  if (chunk.label !== '') output.line(paint('bold', `${chunk.label}, ${whole(chunk.bytes.length)} bytes`))
  for (const line of inspectText(chunk.bytes, { ...optionsOf(chunk), describe }).split('\n'))
    output.line(paintLine(line, paint))
  if (chunk.label !== '') output.line('')
}

function showJson(chunk: Chunk, describe: DescribeMessage): void {
  const from = chunk.label === '' ? {} : { from: chunk.label }
  for (const node of inspect(chunk.bytes, { ...optionsOf(chunk), describe }))
    output.json({ ...from, ...(nodeObject(node) as object) })
}
