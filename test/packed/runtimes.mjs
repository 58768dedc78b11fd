// Other ways to run it: CommonJS, test runners, Bun and Deno.
import { join } from 'node:path'
import { unshare } from './namespace.mjs'
import { nodes, Project } from './project.mjs'

const BUN = '1.4.5'
const DENO = '2.9.6'

/** A queue of the simulated kernel, answered: prints how many packets were delivered. */
const simulated = `
import { openQueue } from '@ringlink/client'
import { SimKernel } from '@ringlink/transport-sim'

export async function answer(count) {
  const kernel = new SimKernel({ seed: 1 })
  kernel.addRule({ hook: 3, queue: 0 })
  const queue = await openQueue({ number: 0, copyRange: 64, transport: (needs) => kernel.open(needs) })
  const packet = new Uint8Array(64)
  packet[0] = 0x45
  for (let i = 0; i < count; i++) kernel.inject(packet)
  for await (const packets of queue) {
    for (const packet of packets) packet.accept()
    if (queue.stats.packets >= count) break
  }
  await queue.close()
  return kernel.delivered
}
`
const printed = `${simulated}\nconsole.log(await answer(20))\n`

/** The error of `openQueue` of the real kernel on a runtime that lacks what the addon needs. */
const native = `
import { openQueue } from 'ringlink'
try {
  const queue = await openQueue({ number: 0 })
  await queue.close()
  console.log('opened')
} catch (error) {
  console.log(error.code ?? error.message)
}
`

export const runtimeChecks = [
  {
    group: 'Module systems',
    name: "require('ringlink') from CommonJS",
    quick: true,
    run: (context) => fromCommonJs(context),
  },
  {
    group: 'Module systems',
    name: "require('ringlink') under Node 22",
    quick: false,
    run: (context) => fromCommonJs(context, nodes.get('22')),
  },
  { group: 'Test runners', name: 'Jest 30', quick: false, run: inJest },
  { group: 'Test runners', name: 'vitest 4', quick: false, run: inVitest },
  {
    group: 'Runtimes',
    name: `Bun ${BUN}: codec and simulator`,
    quick: false,
    run: (context) => inBun(context, printed, '20'),
  },
  { group: 'Runtimes', name: `Bun ${BUN}: the real kernel`, quick: false, run: (context) => inBun(context, native) },
  {
    group: 'Runtimes',
    name: `Deno ${DENO}: codec and simulator`,
    quick: false,
    run: (context) => inDeno(context, printed, '20'),
  },
  { group: 'Runtimes', name: `Deno ${DENO}: the real kernel`, quick: false, run: (context) => inDeno(context, native) },
]

async function withProject(options, use) {
  const project = new Project(options)
  try {
    return await use(project)
  } finally {
    project.remove()
  }
}

function fromCommonJs({ registry }, node) {
  const program = `
    const { openQueue, isNetlinkError } = require('ringlink')
    const { Memory } = require('@ringlink/codec')
    console.log(typeof openQueue, typeof isNetlinkError, new Memory(8).u8.length)
  `
  return withProject({ registry, node, files: { 'index.cjs': program } }, async (project) => {
    await project.install('npm', 'ringlink')
    expectText(await project.script('index.cjs'), 'function function 8')
    return 'works'
  })
}

function inJest({ registry }) {
  const files = {
    'package.json': { name: 'outside', type: 'module', jest: { transform: {} } },
    'answer.js': simulated,
    'answer.test.js':
      "import { answer } from './answer.js'\ntest('answers', async () => expect(await answer(20)).toBe(20))",
  }
  return withProject({ registry, files }, async (project) => {
    await project.install('npm', '@ringlink/client', '@ringlink/transport-sim', 'jest@30')
    const flags = { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' }
    await project.run([project.node, join('node_modules', 'jest', 'bin', 'jest.js')], { environment: flags })
    return 'works (with --experimental-vm-modules, as Jest asks for modules)'
  })
}

function inVitest({ registry }) {
  const files = {
    'answer.js': simulated,
    'answer.test.js':
      "import { expect, test } from 'vitest'\nimport { answer } from './answer.js'\ntest('answers', async () => expect(await answer(20)).toBe(20))",
  }
  return withProject({ registry, files }, async (project) => {
    await project.install('npm', '@ringlink/client', '@ringlink/transport-sim', 'vitest@4.1.12')
    await project.bin('vitest/vitest.mjs', 'run')
    return 'works'
  })
}

/** @param expected what it must print; without it, what it prints is the answer */
function inBun({ registry }, program, expected) {
  return withProject({ registry, files: { 'index.js': program } }, async (project) => {
    await project.install(
      'npm',
      'ringlink',
      '@ringlink/client',
      '@ringlink/transport-sim',
      `@oven/bun-linux-x64@${BUN}`,
    )
    const bun = join('node_modules', '@oven', 'bun-linux-x64', 'bin', 'bun')
    return outcome(await project.run([...unshare, bun, 'index.js']), expected)
  })
}

function inDeno({ registry }, program, expected) {
  return withProject({ registry, files: { 'index.js': program } }, async (project) => {
    await project.install(
      'npm',
      'ringlink',
      '@ringlink/client',
      '@ringlink/transport-sim',
      `@deno/linux-x64-glibc@${DENO}`,
    )
    const deno = join('node_modules', '@deno', 'linux-x64-glibc', 'deno')
    return outcome(
      await project.run([...unshare, deno, 'run', '--allow-all', '--no-lock', '--node-modules-dir=manual', 'index.js']),
      expected,
    )
  })
}

function outcome(text, expected) {
  if (expected === undefined) return text.trim() === 'opened' ? 'works' : text.trim()
  expectText(text, expected)
  return 'works'
}

function expectText(text, expected) {
  if (text.trim() !== expected)
    throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(text.trim())}`)
}
