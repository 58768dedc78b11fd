// SPDX-License-Identifier: MIT
//
// Runs programs with listen.c loaded into them, and prints the datagrams that are worth a vector as records.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const align = (n) => (n + 3) & ~3
const TYPE = 4

/** Waits until something holds. Throws if it does not within 5 seconds. */
async function until(holds) {
  for (const end = performance.now() + 5000; !holds(); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (performance.now() > end) throw new Error(`not within 5 s: ${holds.name || holds}`)
}

/** Whether anybody in this network namespace, which is ours alone, has joined a multicast group of netfilter. */
function isAnyoneListening() {
  const sockets = readFileSync('/proc/net/netlink', 'utf8').split('\n').slice(1)
  return sockets.some((line) => {
    const [, protocol, , groups] = line.split(/\s+/)
    return protocol === '12' && Number.parseInt(groups, 16) !== 0
  })
}

export class Recorder {
  #library
  #kinds
  #libraryOf
  #names = new Set()
  #folder = mkdtempSync(join(tmpdir(), 'recorder-'))

  /**
   * @param library listen.c, compiled
   * @param kinds what the types of messages are called, by `nlmsg_type`
   * @param libraryOf which library a program builds its messages with
   */
  constructor(library, kinds, libraryOf) {
    this.#library = library
    this.#kinds = kinds
    this.#libraryOf = libraryOf
    process.on('exit', () => rmSync(this.#folder, { recursive: true, force: true }))
  }

  get #path() {
    return join(this.#folder, 'heard')
  }

  get #env() {
    return { ...process.env, RINGLINK_RECORD: this.#path, LD_PRELOAD: this.#library, LC_ALL: 'C' }
  }

  /** Runs a command and says what was heard: datagrams in order, each with who sent it and what is in it. */
  #listen(command, input) {
    rmSync(this.#path, { force: true })
    const [program, ...rest] = command
    const { error } = spawnSync(program, rest, { env: this.#env, input, encoding: 'utf8', timeout: 20_000 })
    if (error) throw error
    return this.#heard()
  }

  #heard() {
    if (!existsSync(this.#path)) return []
    return readFileSync(this.#path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const [from, hex] = line.split(' ')
        const bytes = Buffer.from(hex, 'hex')
        return { from, hex, kinds: this.#kindsIn(bytes), bytes }
      })
  }

  #kindsIn(bytes) {
    const list = []
    for (let at = 0; at + 16 <= bytes.length; at += align(bytes.readUInt32LE(at))) {
      list.push(this.#kinds.get(bytes.readUInt16LE(at + TYPE)) ?? 'other')
    }
    return list
  }

  /**
   * Records the output of a step: `wanted` names the datagrams to keep by who sent them and their first message, each
   * with the vector's name, and perhaps a note. Of several that are alike the first is kept.
   */
  step(command, wanted, { input, shown } = {}) {
    this.#keep(this.#listen(command, input), command, wanted, shown)
  }

  /**
   * Records what a program hears that waits for events, while `work` makes them: until it has heard `count` datagrams.
   */
  async watch(command, wanted, count, work) {
    rmSync(this.#path, { force: true })
    const [program, ...rest] = command
    const child = spawn(program, rest, { env: this.#env, stdio: 'ignore' })
    const closed = once(child, 'close')
    try {
      await until(isAnyoneListening)
      work()
      await until(() => this.#heard().length >= count)
    } finally {
      child.kill('SIGINT')
      await closed
    }
    this.#keep(this.#heard(), command, wanted)
  }

  #keep(heard, command, wanted, shown) {
    for (const [from, kind, name, note, accept = () => true] of wanted) {
      const found = heard.find((item) => item.from === from && item.kinds[0] === kind && accept(item))
      if (!found)
        throw new Error(
          `${name}: ${command.join(' ')} had no ${kind} from ${from}: ${JSON.stringify(heard.map((item) => [item.from, item.kinds.join()]))}`,
        )
      if (this.#names.has(name)) throw new Error(`two records are named ${name}`)
      this.#names.add(name)
      const several = found.kinds.length > 1 ? `several messages in one datagram: ${found.kinds.join(', ')}` : undefined
      const text = [several, note].filter(Boolean).join('; ')
      const lines = [`name: ${name}`, `from: ${from}`, 'protocol: netfilter', `command: ${shown ?? command.join(' ')}`]
      if (from === 'user') lines.push(`library: ${this.#libraryOf(command[0])}`)
      if (text) lines.push(`note: ${text}`)
      lines.push(`hex: ${found.hex}`)
      console.log(`${lines.join('\n')}\n`)
    }
  }
}

/** Set-up that is not worth a vector. */
export function shell(text) {
  const { status } = spawnSync('bash', ['-c', text], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`failed: ${text}`)
}
