// Commands of Debian packages, for scripts that call them. Only root installs, and only through apt-get.
import { spawnSync } from 'node:child_process'

/**
 * Has apt-get install what is missing, where it may.
 *
 * @param commands commands and the packages that bring them: `{ ip: 'iproute2' }`
 * @param limit seconds for each of apt-get's two steps; default unlimited
 * @returns a sentence on what is missing still; `undefined`: every command is there
 */
export function obtainCommands(commands, limit) {
  let missing = missingOf(commands)
  if (missing.length === 0) return undefined
  const packages = [...new Set(missing.map((command) => commands[command]))]
  if (process.getuid?.() === 0 && missingOf({ 'apt-get': 'apt' }).length === 0) {
    process.stderr.write(`installing ${packages.join(' and ')}\n`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const options = { stdio: ['ignore', 2, 2], env, timeout: limit === undefined ? undefined : limit * 1000 }
    spawnSync('apt-get', ['update', '-qq'], options)
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options)
    missing = missingOf(commands)
  }
  if (missing.length === 0) return undefined
  return `${missing.join(' and ')} missing; on Debian: apt-get install ${packages.join(' ')}`
}

function missingOf(commands) {
  return Object.keys(commands).filter((command) => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0)
}
