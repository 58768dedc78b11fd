import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { nflogMessage, readPcapng } from '@ringlink/capture'
import { LogRecordView, Memory } from '@ringlink/codec'
import type { ExampleEvent } from '@ringlink/example-shared/demo-inside'
import { deadline } from '@ringlink/example-shared/patience'
import { RULES } from './rules.ts'
import { SMALL_GROUP, SMALL_RANGE } from './traffic.ts'

/** The output of the example for a packet. */
export interface PacketEvent extends ExampleEvent {
  readonly group: number
  readonly sequence: number
  readonly prefix: string
  readonly text: string
  readonly length: number
  readonly captured: number
  readonly lost: number
}

/** Counts by prefix. */
export type PrefixCounts = ReadonlyMap<string, number>

/** Adds up what the example prints. */
export class PacketTally {
  records = 0
  /** as the example says */
  lost = 0
  /** by the sequence numbers, counted here */
  gaps = 0
  /** packets whose prefix is that of another rule than their group and protocol say */
  misplaced = 0
  /** packets of the small group that were cut, and those that should have been */
  cut = 0
  uncut = 0
  readonly prefixes = new Map<string, number>()
  #next = new Map<number, number>()
  #goal = Number.POSITIVE_INFINITY
  #reached: (() => void) | undefined

  add({ group, sequence, prefix, text, length, captured, lost }: PacketEvent): void {
    this.records++
    this.lost += lost
    this.gaps += sequence - (this.#next.get(group) ?? 0)
    this.#next.set(group, sequence + 1)
    this.prefixes.set(prefix, (this.prefixes.get(prefix) ?? 0) + 1)
    const rule = RULES.find((it) => it.prefix === prefix)
    if (rule?.group !== group || !text.includes(rule.text)) this.misplaced++
    if (group === SMALL_GROUP && captured < length) this.cut++
    if (captured > (group === SMALL_GROUP ? SMALL_RANGE : length)) this.uncut++
    this.#check()
  }

  /** Resolves when so many packets were seen or are known to be lost. */
  reach(goal: number): Promise<void> {
    this.#goal = goal
    return new Promise((resolve) => {
      this.#reached = resolve
      this.#check()
    })
  }

  #check(): void {
    if (this.records + this.lost >= this.#goal) this.#reached?.()
  }
}

/** The contents of a capture. */
export interface CaptureCounts {
  readonly packets: number
  readonly dropped: number
  readonly prefixes: PrefixCounts
}

/** Reads a capture back with our own reader. */
export async function readBack(path: string): Promise<CaptureCounts> {
  const view = new LogRecordView()
  const prefixes: string[] = []
  let dropped = 0
  for await (const packet of readPcapng(createReadStream(path)).packets()) {
    const message = nflogMessage(packet)
    dropped += Number(packet.dropCount ?? 0)
    prefixes.push(view.wrap(Memory.from(message), 0, message.length).prefix() ?? '')
  }
  return { packets: prefixes.length, dropped, prefixes: countEach(prefixes) }
}

/** Has Wireshark's reader read it; undefined where that is not installed. */
export function readWithTshark(path: string): Omit<CaptureCounts, 'dropped'> | undefined {
  const { error, status, stdout, stderr } = spawnSync(
    'tshark',
    ['-r', path, '-T', 'fields', '-e', 'frame.number', '-e', 'nflog.prefix'],
    { encoding: 'utf8', timeout: deadline() * 1000, maxBuffer: 64 * 1024 * 1024 },
  )
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return undefined
  if (error !== undefined || status !== 0) throw new Error(`tshark failed: ${error?.message ?? stderr.trim()}`)
  const prefixes = stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[1] ?? '']))
  return { packets: prefixes.length, prefixes: countEach(prefixes) }
}

function countEach(words: readonly string[]): PrefixCounts {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
