/** A log on a simulated kernel. */
import { Hook, type LogRecordView } from '@ringlink/codec'
import type { TransportNeeds } from '@ringlink/transport'
import { type PacketMeta, SimKernel, type SimOptions, type SimTransport } from '@ringlink/transport-sim'
import { type LogOptions, openLog, type RecordBatch } from '../../src/index.ts'

export const encoder = new TextEncoder()

/** A packet with only a version, in a header of 20 bytes, and a text after it. */
export function packet(text: string, version = 4): Uint8Array {
  const bytes = new Uint8Array(20 + text.length)
  bytes[0] = (version << 4) | 5
  bytes.set(encoder.encode(text), 20)
  return bytes
}

export const textOf = (record: LogRecordView) => new TextDecoder().decode(record.payload().subarray(20))

/** A kernel that logs packets to the group that their mark names, and a log of it. */
export function simulate(options: Partial<LogOptions> = {}, simOptions: Partial<SimOptions> = {}) {
  const kernel = new SimKernel()
  for (const group of [5, 6, 7]) {
    for (const hook of [Hook.Input, Hook.Output]) {
      kernel.addRule({ hook, match: { mark: group }, log: { group, prefix: `group ${group}` } })
    }
  }
  const opened: SimTransport[] = []
  const transport = (needs: TransportNeeds) => {
    const sim = kernel.open({ ...needs, ...simOptions, ring: undefined })
    opened.push(sim)
    return Promise.resolve(sim)
  }
  const send = (text: string, group = 5, meta: PacketMeta = {}) => kernel.inject(packet(text), { mark: group, ...meta })
  const open = (more: Partial<LogOptions> = {}) =>
    openLog({ group: 5, transport, readInterval: 0, ...options, ...more })
  return { kernel, opened, send, open }
}

/** The results of `read` for each batch, until it returns that this is enough. */
export async function readUntil<Value>(
  log: AsyncIterable<RecordBatch>,
  read: (record: LogRecordView, batch: RecordBatch) => Value,
  count: number,
): Promise<Value[]> {
  const values: Value[] = []
  for await (const batch of log) {
    for (const record of batch) values.push(read(record, batch))
    if (values.length >= count) break
  }
  return values
}
