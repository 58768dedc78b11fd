/**
 * Kinds of links that not every kernel has, in the simulated kernel and in the real one. Attributes that only later
 * kernels show are not compared: this runs on Debian's.
 */
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import { describe, expect, test } from 'vitest'
import { FamilyRealMachine, FamilySimMachine } from './family-machine.ts'
import { runFamily } from './family-run.ts'
import { ask, open } from './family-script.ts'
import { kindScripts } from './link-scripts.ts'
import { newLink } from './route-script.ts'

const LIMIT = patience(20_000)
const FIELDS = [
  ...['header', 'ifname', 'address', 'broadcast', 'mtu', 'minMtu', 'maxMtu', 'txqlen', 'group', 'link', 'qdisc'],
  ...['operstate', 'carrier', 'carrierChanges', 'linkinfo', 'numTxQueues', 'numRxQueues', 'gsoMaxSize', 'tsoMaxSize'],
]

/** A line without the attributes of a link that are not compared. */
function comparable(line: string): string {
  const found = /^(.* (?:new|del)link flags \d+) (\{.*\})$/.exec(line)
  if (found === null) return line
  const [, head, json = '{}'] = found
  return `${head} ${JSON.stringify(JSON.parse(json), (key, value: unknown) => {
    const isLink = typeof value === 'object' && value !== null && 'ifname' in value
    return key === '' && isLink
      ? Object.fromEntries(Object.entries(value).filter(([name]) => FIELDS.includes(name)))
      : value
  })}`
}

describe.skipIf(kernelUnavailable !== undefined)(kernelTests('kinds of links of the simulated kernel'), () => {
  test.for(Object.entries(kindScripts))('%s, where the kernel has it', { timeout: LIMIT }, async ([kind, script]) => {
    await using real = await FamilyRealMachine.make()
    const expected = await runFamily(real, script)
    await using simulated = await FamilySimMachine.make()
    const found = await runFamily(simulated, script)
    await using other = await FamilyRealMachine.make()
    const [answer = ''] = await runFamily(other, [open('a'), ...ask(newLink({ ifname: 'k0', linkinfo: { kind } }))])
    if (answer.includes('Unknown device type')) expect(expected).not.toEqual(found)
    else expect(found.map(comparable)).toEqual(expected.map(comparable))
  })
})
