import { expect, test } from 'vitest'
import { kernelTests, kernelUnavailable, Namespace } from './namespace.ts'

test.skipIf(kernelUnavailable)(
  kernelTests('what has no room at the receiver, as on a kernel with a low rmem_max, still counts as arrived'),
  async () => {
    await using namespace = await Namespace.open()
    await namespace.listen(9000, undefined, 4096)
    await namespace.send({ port: 9000, count: 500, size: 1000 })
    await namespace.waitFor(9000, 500)
    expect((await namespace.received(9000)).count).toBe(500)
  },
)
