/**
 * Every packet gets exactly one verdict for any behaviour of a program, over every transport of the real kernel with
 * every fault.
 */

import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { soakTransports } from '../soak/round.ts'
import { corruptedPlans, plans, SEED } from './plans.ts'
import { type Plan, QUEUE, runProgram } from './program.ts'

const FIRST_PORT = 20_000
const RUNS = Number(process.env.RINGLINK_VERDICT_RUNS ?? 12)
const transports = kernelUnavailable === undefined ? await soakTransports() : []

describe.skipIf(kernelUnavailable)(kernelTests('programs on the real kernel'), () => {
  let namespace: Namespace
  let port = FIRST_PORT

  beforeAll(async () => {
    namespace = await Namespace.open()
    await namespace.queueOutput(QUEUE, {
      protocol: 'udp',
      destinationPort: { from: FIRST_PORT, to: FIRST_PORT + 10_000 },
    })
  })

  afterAll(() => namespace?.close())

  /** Runs a program, and compares what it has given with what has passed. */
  async function expectVerdicts(openIn: (typeof transports)[number][1], plan: Plan): Promise<void> {
    port++
    await namespace.listen(port)
    const { given, queue } = await runProgram(
      {
        open: openIn(namespace.path),
        send: async (count) => {
          expect(await namespace.send({ port, count, text: '%d' })).toEqual({ failed: 0 })
        },
      },
      plan,
    )
    expect(queue.counters()).toMatchObject({ lastId: plan.packets, queueDropped: 0, userDropped: 0 })
    await namespace.waitFor(port, given.filter((verdict) => verdict === 'accept').length)
    const { payloads } = await namespace.received(port)
    const passed = given.map((_verdict, number) => payloads.filter((text) => text === `${number}`).length)
    expect(Math.max(0, ...passed)).toBeLessThanOrEqual(1)
    expect(passed).toEqual(
      given.map((verdict, number) => (verdict === undefined ? passed[number] : Number(verdict === 'accept'))),
    )
  }

  test.each(transports)(
    'over a %s give each packet its first verdict, and the others one',
    { timeout: 300_000 },
    async (_, openIn) => {
      await fc.assert(
        fc.asyncProperty(plans(), (plan) => expectVerdicts(openIn, plan)),
        { numRuns: RUNS, seed: SEED },
      )
    },
  )

  test.each(transports)(
    'over a %s give packets whose bits are flipped, ids too, one verdict at most each',
    { timeout: 300_000 },
    async (_, openIn) => {
      await fc.assert(
        fc.asyncProperty(corruptedPlans(), (plan) => expectVerdicts(openIn, plan)),
        { numRuns: Math.ceil(RUNS / 3), seed: SEED },
      )
    },
  )
})
