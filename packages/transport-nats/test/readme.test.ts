/** Runs the README's two examples unchanged: the host's on a simulated kernel, the other one with what it published. */
import { readFileSync } from 'node:fs'
import { type Log, type LogOptions, openLog } from '@ringlink/client'
import { Hook } from '@ringlink/codec'
import { udpPacket } from '@ringlink/packet'
import { SimKernel } from '@ringlink/transport-sim'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { type FrameSource, type NatsOptions, openNats, type PublishOptions, publish } from '../src/index.ts'
import { newStream, until } from './support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [host = '', anywhere = ''] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code)

/** Runs an example with what it imports, and its console. */
function run(code: string, library: Readonly<Record<string, unknown>>): Promise<void> {
  const module = `export async function main() {\n${code.replace(/^import .*$/gm, '')}\n}`
  const { outputText } = ts.transpileModule(module, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const exports: { main?: () => Promise<void> } = {}
  new Function('exports', ...Object.keys(library), outputText)(exports, ...Object.values(library))
  return exports.main?.() ?? Promise.reject(new Error('no example'))
}

describe.skipIf(serverUnavailable !== undefined)(serverTests('the examples of the README'), () => {
  it('publish records on a host, and print them anywhere', async () => {
    await using server = await TestServer.open()
    await newStream(server, { stream: 'LOGS' })
    const servers = server.address
    const kernel = new SimKernel()
    kernel.addRule({ hook: Hook.Output, log: { group: 5, prefix: 'out: ' } })
    const logs: Log[] = []
    let isPublishing = false
    // What the example logs is sent by the simulated kernel, which has its rule already.
    const openSimulated = async ({ rule: _, transport: __, ...options }: LogOptions) => {
      const log = await openLog({ ...options, transport: (needs) => kernel.open(needs) })
      logs.push(log)
      return log
    }
    const publishing = run(host, {
      ...{ openLog: openSimulated, openTransport: undefined, console },
      publish: async (source: FrameSource, options: PublishOptions) => {
        const publisher = await publish(source, { ...options, servers, host: 'web1' })
        isPublishing = true
        return publisher
      },
    })
    await until(() => isPublishing)
    const addresses = { source: '10.0.0.1', destination: '10.0.0.2' }
    for (const sourcePort of [1, 2])
      kernel.inject(udpPacket({ ...addresses, sourcePort, destinationPort: 2, payload: new Uint8Array(4) }))
    await logs[0]?.finish()
    await publishing
    const lines: string[] = []
    let shown: Log | undefined
    const printing = run(anywhere, {
      openLog: async (options: LogOptions) => {
        shown = await openLog(options)
        return shown
      },
      openNats: (options: NatsOptions) => openNats({ ...options, servers }),
      console: { log: (...words: unknown[]) => lines.push(words.join(' ')) },
    })
    await until(() => lines.length === 2)
    await shown?.close()
    await printing
    expect(lines).toEqual(['web1 out:  32', 'web1 out:  32'])
  })
})
