import { quoteText } from '@ringlink/codec'
import type { OptionValues } from '../command-line/command.ts'
import { readUnit, SIZES, UsageError } from '../command-line/values.ts'
import type { natsOptions } from '../commands/nats-options.ts'

/** The values of the options of NATS. */
export type NatsValues = OptionValues<typeof natsOptions>

/** A stream on the command line: where to publish, or what to consume. */
export interface NatsSettings {
  readonly direction: 'to' | 'from'
  readonly servers: string
  readonly stream: string
  readonly consumer: string | undefined
  readonly start: 'all' | 'new' | { readonly sequence: number } | { readonly time: Date } | undefined
  readonly host: string | undefined
  readonly bufferSize: number | undefined
  readonly credentials: string | undefined
  readonly tls: { readonly ca: string } | undefined
  /** bytes of the stream to create */
  readonly createStream: number | undefined
}

const ONLY = { to: ['host-name', 'buffer', 'create-stream'], from: ['consumer', 'start'] } as const

/** Reads the options; `undefined` if there is neither --to nor --from. Throws `UsageError`. */
export function readNatsSettings(values: NatsValues): NatsSettings | undefined {
  if (values.to !== undefined && values.from !== undefined) throw new UsageError('--to and --from cannot be combined')
  const direction = values.to === undefined ? 'from' : 'to'
  const address = values[direction]
  const unused = direction === 'to' ? ONLY.from : ONLY.to
  for (const option of address === undefined ? [...ONLY.to, ...ONLY.from] : unused) {
    const other = ONLY.to.some((name) => name === option) ? '--to' : '--from'
    if (values[option] !== undefined) throw new UsageError(`--${option} needs ${other}`)
  }
  if (address === undefined) {
    for (const option of ['credentials', 'tls-ca'] as const)
      if (values[option] !== undefined) throw new UsageError(`--${option} needs --to or --from`)
    return undefined
  }
  return {
    direction,
    ...readAddress(`--${direction}`, address),
    consumer: values.consumer,
    start: readStart(values.start),
    host: values['host-name'],
    bufferSize: readUnit('--buffer', values.buffer, SIZES),
    credentials: values.credentials,
    tls: values['tls-ca'] === undefined ? undefined : { ca: values['tls-ca'] },
    createStream: readUnit('--create-stream', values['create-stream'], SIZES),
  }
}

function readAddress(option: string, text: string): { servers: string; stream: string } {
  const [, servers, stream] = /^((?:nats|tls):\/\/[^/\s]+)\/([^/\s.*>]+)$/.exec(text) ?? []
  if (servers !== undefined && stream !== undefined) return { servers, stream }
  // A password is not repeated.
  const shown = text.replace(/\/\/[^@/]*@/, '//...@')
  throw new UsageError(`${option} must be the address of a stream (nats://HOST/STREAM), got ${quoteText(shown)}`)
}

function readStart(text: string | undefined): NatsSettings['start'] {
  if (text === undefined || text === 'all' || text === 'new') return text
  const sequence = /^\d+$/.test(text) ? Number(text) : 0
  if (sequence > 0 && Number.isSafeInteger(sequence)) return { sequence }
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(Number.NaN)
  if (!Number.isNaN(time.getTime())) return { time }
  throw new UsageError(
    `--start must be all, new, a sequence number from 1 on or a time (2026-11-26T07:00:00Z), got ${quoteText(text)}`,
  )
}
