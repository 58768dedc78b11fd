import { describe, expect, test } from 'vitest'
import { packError, storeStats, sumStats, unpackError } from '../../src/fan-out/channel.ts'
import { checkFanOutOptions, queueNumbers } from '../../src/fan-out/options.ts'
import { fanOut, isNetlinkError, NetlinkError } from '../../src/index.ts'

describe('the options of a fan-out', () => {
  test.each([
    ['0:3', [0, 1, 2, 3]],
    ['7', [7]],
    ['65534:65535', [65534, 65535]],
    [
      [5, 2],
      [5, 2],
    ],
  ])('queues %j', (queues, numbers) => {
    expect(queueNumbers(queues)).toEqual(numbers)
  })

  test.each([[''], ['3:0'], ['0-3'], ['0:65536'], ['99999'], [[]], [[-1]], [[1.5]], [[1, 1]]])(
    'queues %j are refused',
    async (queues) => {
      await expect(fanOut({ queues, module: 'verdicts.mjs' })).rejects.toMatchObject({ code: 'VALUE_RANGE' })
    },
  )

  test.each([
    [{ module: '' }, 'VALUE_RANGE'],
    [{ closeTimeout: -1 }, 'VALUE_RANGE'],
    [{ closeTimeout: Number.NaN }, 'VALUE_RANGE'],
    [{ onFailure: 'ignore' as 'close' }, 'VALUE_RANGE'],
    [{ data: () => {} }, 'ARGUMENT'],
    [{ queues: 2 as unknown as string }, 'ARGUMENT'],
    [{ queues: ['1'] as unknown as number[] }, 'ARGUMENT'],
    [{ module: undefined as unknown as string }, 'ARGUMENT'],
    [{ closeTimeout: '5' as unknown as number }, 'ARGUMENT'],
    [{ copyRange: -1 }, 'VALUE_RANGE'],
    [{ maxLength: 0 }, 'VALUE_RANGE'],
    [{ unanswered: 'maybe' as 'drop' }, 'VALUE_RANGE'],
    [{ failOpen: 1 as unknown as boolean }, 'ARGUMENT'],
    [{ ring: 'yes' as unknown as boolean }, 'ARGUMENT'],
    [{ networkNamespace: -1 }, 'VALUE_RANGE'],
    [{ number: 1 } as object, 'ARGUMENT'],
    [{ transport: () => {} } as object, 'ARGUMENT'],
    [{ rule: { hook: 'output' } } as object, 'ARGUMENT'],
    [{ copyrange: 1 } as object, 'ARGUMENT'],
    [{ signal: {} as AbortSignal }, 'ARGUMENT'],
  ])('%j is refused with %s', async (wrong, code) => {
    const failed = fanOut({ queues: '0', module: 'verdicts.mjs', ...wrong })
    const [name] = Object.keys(wrong)
    const path = expect.stringMatching(new RegExp(`^${name}`))
    await expect(failed).rejects.toMatchObject({ code, ...(name === 'data' ? {} : { path }) })
  })

  test('a path is relative to the working directory, a URL is unchanged, and the rest are options of the queues', () => {
    const { module, queueOptions } = checkFanOutOptions({
      queues: '1',
      module: 'a/b.mjs',
      copyRange: 64,
      closeTimeout: 1,
      data: 1,
    })
    expect(module).toBe(new URL('a/b.mjs', `file://${process.cwd()}/`).href)
    expect(queueOptions).toEqual({ copyRange: 64 })
    expect(checkFanOutOptions({ queues: '1', module: new URL('file:///b.mjs') }).module).toBe('file:///b.mjs')
    expect(checkFanOutOptions({ queues: '1', module: 'file:///b.mjs' }).module).toBe('file:///b.mjs')
  })
})

describe('reports of Workers', () => {
  test('an error keeps its name, code and details', () => {
    const error = Object.assign(new NetlinkError('QUEUE_REFUSED', 'no'), { errno: 1, other: { deep: true } })
    const { name, message, stack, ...rest } = unpackError(structuredClone(packError(error)))
    expect([name, message]).toEqual(['NetlinkError', 'no'])
    expect(stack).toBe(error.stack)
    expect(rest).toEqual({ code: 'QUEUE_REFUSED', errno: 1 })
    expect(isNetlinkError(unpackError(packError(error)), 'QUEUE_REFUSED')).toBe(true)
    expect(unpackError(packError('a string')).message).toBe('a string was thrown')
  })

  test('counters are summed by name', () => {
    const stats = {
      packets: 1,
      accepted: 2,
      dropped: 3,
      other: 4,
      unanswered: 5,
      lost: 6,
      unseen: 12,
      truncated: 7,
      malformed: 8,
      late: 9,
      refused: 10,
      batchVerdicts: 2 ** 40,
    }
    const words = [new Float64Array(12), new Float64Array(12)]
    for (const lane of words) storeStats(lane, stats)
    expect(sumStats(words.slice(0, 1))).toEqual(stats)
    expect(sumStats(words)).toMatchObject({ packets: 2, refused: 20, batchVerdicts: 2 ** 41 })
  })
})
