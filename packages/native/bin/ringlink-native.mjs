#!/usr/bin/env node
// Compiles the addon for this machine, into build/Release/ringlink.node of this package. Runs only on request:
// installing the package runs no script.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { compile, root, sourceFiles } from '../scripts/compile.mjs'

const help = `usage: ringlink-native build [--force]

Compiles ringlink's native addon for this machine. Needed only where no prebuilt binary exists (Linux on x64 and arm64 has
them, for glibc and musl), or to replace it: a binary built here takes precedence.

  --force   compile even if the binary is newer than its sources

CC, CFLAGS and LDFLAGS are respected.`

const advice = `The addon needs a C compiler, the C library's headers and the kernel's. Install them:
  Debian, Ubuntu   apt-get install gcc libc6-dev
  Fedora, RHEL     dnf install gcc glibc-devel
  Alpine           apk add gcc musl-dev linux-headers
then run: npx ringlink-native build`

const binary = join(root, 'build', 'Release', 'ringlink.node')

const { command, force } = readArguments()
if (command === 'help') console.log(help)
else if (command !== 'build') fail(`unknown command ${JSON.stringify(command)}\n${help}`)
else if (process.platform !== 'linux') fail(`netlink exists on Linux only, and this is ${process.platform}`)
else build()

function readArguments() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { force: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
    const [command = 'help', ...rest] = positionals
    if (rest.length > 0) fail(`unexpected argument ${JSON.stringify(rest[0])}\n${help}`)
    return { command: values.help ? 'help' : command, force: values.force ?? false }
  } catch (error) {
    return fail(`${error.message}\n${help}`)
  }
}

function build() {
  if (!force && isCurrent()) {
    console.error(`${binary} is newer than its sources; --force compiles it anyway`)
    return
  }
  const compiler = findCompiler()
  if (compiler === undefined) fail(`no C compiler was found (tried CC, cc, gcc and clang)\n${advice}`)
  const flags = [
    // A new warning of a newer compiler must not stop a user's build.
    ...(root.includes(`${sep}node_modules${sep}`) ? [] : ['-Werror']),
    ...words(process.env.CFLAGS),
  ]
  if (!compile({ compiler, output: binary, flags, linking: words(process.env.LDFLAGS) }))
    fail(`${compiler.join(' ')} could not compile the addon; its messages are above\n${advice}`)
  console.error(`built ${binary}`)
}

function isCurrent() {
  const built = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return [...sourceFiles(), join(root, 'scripts', 'compile.mjs')].every((path) => statSync(path).mtimeMs < built)
}

/** Command and leading arguments of the first compiler that runs; `CC="ccache gcc"` is one. */
function findCompiler() {
  const candidates = [process.env.CC, 'cc', 'gcc', 'clang'].map(words)
  return candidates.find(([command, ...rest]) => command && spawnSync(command, [...rest, '--version']).status === 0)
}

function words(text = '') {
  return text.split(/\s+/).filter(Boolean)
}

function fail(message) {
  console.error(`ringlink-native: ${message}`)
  process.exit(1)
}
