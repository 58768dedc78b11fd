/** `ringlink/queue` opens what `ringlink` opens, and refuses what it refuses. */
import { readFileSync } from 'node:fs'
import { isPlainQueue, queueMembers } from '@ringlink/client/internal'
import { Hook } from '@ringlink/codec'
import { udpPacket } from '@ringlink/packet'
import { SimKernel } from '@ringlink/transport-sim'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openQueue as openWithAll } from '../src/index.ts'
import { openQueue, type Queue, type QueueOptions } from '../src/queue.ts'

const ends = { source: '192.0.2.1', destination: '192.0.2.53', sourcePort: 40_000, destinationPort: 53, payload: 'x' }

/** A function as JavaScript sees it. */
type Loose = (given: unknown) => Promise<unknown>

/** Code, path and message of the error, or undefined if a queue opens; it is closed. */
async function refusal(open: Loose, given: unknown) {
  try {
    const queue = (await open(given)) as { close(): Promise<void> }
    await queue.close()
    return undefined
  } catch (error) {
    const { code, path, message } = error as { code: unknown; path: unknown; message: string }
    return { code, path, message }
  }
}

const names = [...Object.keys(queueMembers), 'ring', 'networkNamespace', 'rnig', 'destinationPort', 'toString']
const values = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, 0, 1, 70_000, -1, 'drop', 'output udp 53', {}, []),
  fc.constantFrom<unknown>(() => undefined, 'output udp', { hook: 'output' }, { hook: 'prerouting', match: { x: 1 } }),
)

describe('openQueue()', () => {
  test('rejects the same options with the same errors', async () => {
    const options = fc.oneof(
      { arbitrary: fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 4 }), weight: 8 },
      { arbitrary: fc.constantFrom<unknown>(undefined, null, 0, 'queue', [], () => undefined), weight: 1 },
    )
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const kernels = [new SimKernel({ seed: 1 }), new SimKernel({ seed: 1 })] as const
        const over = (kernel: SimKernel): unknown => {
          if (typeof given !== 'object' || given === null || Array.isArray(given) || 'transport' in given) return given
          return { number: 0, ...given, transport: (needs: Parameters<SimKernel['open']>[0]) => kernel.open(needs) }
        }
        // Without a transport it would open the machine's.
        const isTried = JSON.stringify(over(kernels[0])) !== JSON.stringify(given)
        fc.pre(isTried || given === undefined || given === null || typeof given !== 'object' || Array.isArray(given))
        expect(await refusal(openQueue as Loose, over(kernels[0]))).toEqual(
          await refusal(openWithAll as Loose, over(kernels[1])),
        )
      }),
      { numRuns: 60, seed: 20 },
    )
  })

  test('opens a queue that answers: the example of the README', async () => {
    const kernel = new SimKernel({ seed: 1 })
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, example = ''] = /^## Starting fast\n[\s\S]*?```js\nimport .*\n([\s\S]*?)```/m.exec(readme) ?? []
    const opened: Queue[] = []
    const open = async (options: Pick<QueueOptions, 'number'>) => {
      const queue = await openQueue({ ...options, transport: (needs) => Promise.resolve(kernel.open(needs)) })
      kernel.addRule({ hook: Hook.Output, queue: 0 })
      kernel.inject(udpPacket(ends), { hook: Hook.Output })
      opened.push(queue)
      return queue
    }
    const delivered = new Promise<void>((resolve) => kernel.onDelivered(() => resolve()))
    const ended = new Function('openQueue', `return (async () => {\n${example}\n})()`)(open)
    await delivered
    // The example ends when its queue has been closed.
    await opened[0]?.close()
    await ended
    expect(opened.map(({ number, stats }) => [number, stats.packets])).toEqual([[0, 1]])
  })

  test.each(['rule', 'sets'])('with %s it is the whole ringlink that opens', async (name) => {
    const transport = () => expect.unreachable()
    await expect((openQueue as Loose)({ number: 0, transport, [name]: 7 })).rejects.toMatchObject({
      code: 'ARGUMENT',
      path: name,
    })
  })
})

test('every option but those of rules is plain', () => {
  const plain = Object.keys(queueMembers).filter((name) => isPlainQueue({ [name]: undefined }))
  expect(Object.keys(queueMembers).filter((name) => !plain.includes(name))).toEqual(['rule', 'sets'])
  for (const given of [undefined, null, 0, 'number', { other: 1 }, Object.create({ rule: 'output udp' })]) {
    expect(isPlainQueue(given)).toBe(false)
  }
})
