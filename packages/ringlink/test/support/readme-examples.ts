/** Runs the README's examples about packets unchanged, with the transport and console of the test. */
import { readFileSync } from 'node:fs'
import { openConntrack, openLog, openQueue } from '@ringlink/client'
import type { Transport, TransportNeeds } from '@ringlink/transport'
import ts from 'typescript'

const readme = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8')

/** The code after the sentence that begins with `title`. */
export function exampleOf(title: string): string {
  const [, code] = readme.split(`\n${title}`)[1]?.match(/```ts\n([\s\S]*?)```/) ?? []
  if (code === undefined) throw new Error(`README has no example after '${title}'`)
  return code
}

export interface Running {
  /** the printed lines */
  readonly lines: string[]
  /** Resolves once it has opened its queue or log. */
  readonly opened: Promise<void>
  /** Resolves at the end of an example that ends by itself. */
  readonly ended: Promise<void>
  /** Closes what it opened, which ends its loop. */
  stop(): Promise<void>
}

/** Runs an example on transports that `open` opens. */
export function runExample(code: string, open: (needs: TransportNeeds) => Promise<Transport>): Running {
  const { outputText } = ts.transpileModule(`export async function main() {\n${code.replace(/^import .*$/gm, '')}\n}`, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const names = /^import \{ (.*) \} from 'ringlink'$/m.exec(code)?.[1]?.split(', ') ?? []
  let opened: { close(): Promise<void> } | undefined
  let tell = () => {}
  const isOpen = new Promise<void>((resolve) => {
    tell = resolve
  })
  const note = <Opened extends { close(): Promise<void> }>(value: Opened): Opened => {
    opened = value
    tell()
    return value
  }
  const library: Readonly<Record<string, unknown>> = {
    openQueue: async (options: object) =>
      note(await openQueue({ ...(options as { number: number }), transport: open })),
    openConntrack: async (options: object = {}) => note(await openConntrack({ ...options, transport: open })),
    openLog: async (options: object) => note(await openLog({ ...(options as { group: number }), transport: open })),
  }
  const lines: string[] = []
  const exports: { main?: () => Promise<void> } = {}
  const parameters = ['exports', 'console', ...names]
  const console = { log: (line: string) => lines.push(line) }
  new Function(...parameters, outputText)(exports, console, ...names.map((name) => library[name]))
  const ended = exports.main?.() ?? Promise.reject(new Error('no example'))
  return {
    lines,
    ended,
    opened: Promise.race([isOpen, ended]),
    stop: async () => {
      await opened?.close()
      await ended
    },
  }
}
