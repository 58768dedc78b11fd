// Programs that use the packages from TypeScript, under each resolution that reads `exports`, with every declaration
// file checked.
import { Project } from './project.mjs'

const OLDEST = '5.7.3'
const NEWEST = '7.0.2'
const modes = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  node16: { module: 'node16', moduleResolution: 'node16' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
}

const program = `
import { fanOut, type Memory, openLog, openQueue, type QueueOptions } from 'ringlink'
import { Memory as OwnedMemory, MessageIterator, QueuePacketView } from '@ringlink/codec'
import { Session } from '@ringlink/client'
import { SimKernel } from '@ringlink/transport-sim'

const options: QueueOptions = { number: 0, copyRange: 128 }
await using queue = await openQueue(options)
queue.events.on('overrun', (lost) => console.log(lost.toFixed(0)))
// @ts-expect-error there is no such event
queue.events.on('overran', () => {})
// @ts-expect-error it is given a number
queue.events.on('overrun', (lost: string) => console.log(lost))
for await (const packets of queue) {
  for (const packet of packets) packet.mark === 7 ? packet.drop() : packet.accept()
}
// @ts-expect-error a number must be a number
await openQueue({ number: 'zero' })

const log = await openLog({ group: 5 })
for await (const records of log) console.log(records.lost)

const memory: Memory = new OwnedMemory(64)
console.log(memory.u32.length, new QueuePacketView(), new MessageIterator(), Session, fanOut)
console.log(new SimKernel({ seed: 1 }).delivered)
`

// Without require of modules in its types, TypeScript's node16 mode allows a CommonJS file only to import types.
const commonJs = `
import type { Queue } from 'ringlink' with { 'resolution-mode': 'import' }
export const count = (queue: Queue): number => queue.stats.packets
`

export const typeScriptChecks = [OLDEST, NEWEST].flatMap((version) =>
  Object.keys(modes).map((mode) => ({
    group: 'TypeScript',
    name: `TypeScript ${version}, ${mode}, skipLibCheck false`,
    quick: version === NEWEST && mode === 'nodenext',
    run: ({ registry }) => compileProgram(registry, version, mode),
  })),
)

async function compileProgram(registry, version, mode) {
  const compilerOptions = {
    ...modes[mode],
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  }
  const files = { 'tsconfig.json': { compilerOptions, include: ['*.ts', '*.cts'] }, 'index.ts': program }
  const project = new Project({ registry, files: mode === 'bundler' ? files : { ...files, 'types.cts': commonJs } })
  try {
    await project.install('npm', 'ringlink', '@ringlink/transport-sim', `typescript@${version}`, '@types/node@20.19.43')
    await project.bin('typescript/bin/tsc', '--project', '.')
    return 'compiles'
  } finally {
    project.remove()
  }
}
