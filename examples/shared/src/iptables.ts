import { spawnSync } from 'node:child_process'

/** The machine lacks something: exit code 3. */
export class MissingError extends Error {}

export const IPTABLES_MISSING =
  'iptables is missing, and the demo makes its rules with it. Debian: apt-get install iptables'

/** Runs iptables and returns what it prints. Throws {@link MissingError}. */
export function iptables(...words: string[]): string {
  const { error, status, stdout, stderr } = spawnSync('iptables', ['-w', '2', ...words], {
    encoding: 'utf8',
    timeout: 4000,
  })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') throw new MissingError(IPTABLES_MISSING)
  if (error !== undefined) throw error
  if (status === 0) return stdout
  const target = words[words.indexOf('-j') + 1]
  throw new MissingError(`iptables ${words.join(' ')} failed (does this kernel have ${target}?): ${stderr.trim()}`)
}

/** The packets that the kernel counted at each rule of a chain, with the rule's line, in order. */
export function readCounters(chain: string): { readonly packets: number; readonly line: string }[] {
  // Its lines are: packets, bytes, target (which may be empty), protocol, …
  return iptables('-L', chain, '-v', '-n', '-x')
    .split('\n')
    .flatMap((line) => {
      const count = /^\s*(\d+)\s+\d+\s/.exec(line)?.[1]
      return count === undefined ? [] : [{ packets: Number(count), line }]
    })
}
