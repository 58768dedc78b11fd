// cppcheck and clang-tidy over the addon's sources: no warning is allowed.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root, sourceFiles } from '../../packages/native/scripts/compile.mjs'

// Two arguments of one type next to each other are common in system calls; reserved names come from the kernel's and
// libuv's headers; the C library has no bounds-checked memcpy (C11, Annex K).
const CHECKS = [
  ...['-*', 'bugprone-*', 'cert-*', 'clang-analyzer-*'],
  ...[
    '-bugprone-easily-swappable-parameters',
    '-bugprone-reserved-identifier',
    '-cert-dcl37-c',
    '-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling',
  ],
]
const DEFINITIONS = ['-D_GNU_SOURCE', '-DNAPI_VERSION=8']

/** Whether neither finds anything; what they find is printed. */
export function analyse() {
  const sources = sourceFiles().filter((path) => path.endsWith('.c'))
  const headers = createRequire(join(root, 'package.json'))('node-api-headers').include_dir
  const tidy = ['--quiet', '--warnings-as-errors=*', `-checks=${CHECKS.join(',')}`, ...sources]
  return [
    run('cppcheck', [
      '--enable=warning,portability,performance',
      '--std=c11',
      '--error-exitcode=1',
      '-q',
      ...DEFINITIONS,
      ...sources,
    ]),
    run('clang-tidy', [...tidy, '--', '-std=c11', ...DEFINITIONS, '-isystem', headers]),
  ].every(Boolean)
}

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) console.log(`${command} found something:\n${stdout}${stderr}`)
  else console.log(`${command}: nothing found`)
  return status === 0
}
