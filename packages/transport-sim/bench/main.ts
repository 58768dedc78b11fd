/**
 * Prints packets per second, by size and copy range. From the root of the repository:
 *
 *     node_modules/.bin/esbuild packages/transport-sim/bench/main.ts --bundle --platform=node --format=esm \
 *       --conditions=ringlink-source | node --input-type=module
 */
import { drain } from './drain.ts'

const PACKETS = 1_000_000
const cases = [
  [92, 128],
  [92, 65531],
  [1400, 128],
  [1400, 65531],
] as const

await drain(PACKETS / 10, 92, 128)
for (const [size, copyRange] of cases) {
  const rate = await drain(PACKETS, size, copyRange)
  console.log(`${size} bytes, copy range ${copyRange}: ${Math.round(rate / 1000)} thousand packets a second`)
}

// Frames for all that waits at one time: nothing is lost.
const receive = { blockSize: 4096, blockCount: 2048, frameSize: 4096, frameCount: 2048 }
for (const size of [92, 1400]) {
  const rate = await drain(PACKETS, size, 1500, { receive })
  console.log(`${size} bytes, copy range 1500, in a ring: ${Math.round(rate / 1000)} thousand packets a second`)
}
