import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Step =
  /** `orEnd`: the command may end before, and the steps that follow are left out */
  | { readonly wait: string; readonly orEnd?: boolean }
  | { readonly send: string }
  | { readonly resize: readonly [number, number] }

export interface TerminalResult {
  readonly output: string
  /** length of the output (in bytes) after each step */
  readonly marks: readonly number[]
  readonly status: number
}

export const CTRL_C = '\x03'
export const CTRL_D = '\x04'
const script = fileURLToPath(new URL('terminal.py', import.meta.url))

/** Runs a command on a pseudo-terminal of some rows and columns, does the steps, and waits for its end. */
export function onTerminal(
  command: readonly string[],
  steps: readonly Step[] = [],
  [rows, columns]: readonly [number, number] = [24, 100],
): TerminalResult {
  const words = [script, `${rows}`, `${columns}`, JSON.stringify(steps), ...command]
  const { status, stdout, stderr } = spawnSync('python3', words, {
    encoding: 'utf8',
    timeout: 90_000,
    env: { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8', NO_COLOR: undefined, FORCE_COLOR: undefined },
  })
  if (status !== 0) throw new Error(`terminal.py failed: ${stderr}`)
  return JSON.parse(stdout) as TerminalResult
}
