// Compiles the addon with only a C compiler: no node-gyp, no Python, no libuv headers.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const require = createRequire(import.meta.url)

/** Every file that the compiler reads. */
export function sourceFiles() {
  const source = join(root, 'src')
  return readdirSync(source)
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => join(source, name))
}

/**
 * Compiles into `output` by rename, so that a process that has the old binary mapped keeps it intact.
 *
 * @param {{ compiler: string[], output: string, flags?: string[], linking?: string[] }} what the compiler's command
 *   with its leading arguments (`['ccache', 'gcc']`), and what is added to our own arguments
 * @returns {boolean} whether it succeeded; the compiler has written its complaints to standard error
 */
export function compile({ compiler, output, flags = [], linking = [] }) {
  const [command, ...leading] = compiler
  const fresh = `${output}.${process.pid}`
  mkdirSync(dirname(output), { recursive: true })
  const compiling = [
    ...['-std=c11', '-D_GNU_SOURCE', '-DNAPI_VERSION=8', '-O2', '-fPIC', '-shared', '-fvisibility=hidden'],
    ...['-Wall', '-Wextra', '-isystem', require('node-api-headers').include_dir],
    ...flags,
  ]
  const sources = sourceFiles().filter((path) => path.endsWith('.c'))
  // Bound at load: a runtime without libuv is refused when it loads the addon, not when it first calls a missing
  // function.
  const { status } = spawnSync(command, [...leading, ...compiling, ...sources, '-o', fresh, '-Wl,-z,now', ...linking], {
    stdio: ['ignore', 2, 2],
  })
  if (status === 0) renameSync(fresh, output)
  else rmSync(fresh, { force: true })
  return status === 0
}
