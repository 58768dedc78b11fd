import { type FamilyDescription, jsonText, quoteText } from '@ringlink/codec'
import { type NetlinkFamily, openFamily } from 'ringlink'
import type { ExitCode } from '../command-line/command.ts'
import { didYouMean } from '../command-line/nearest.ts'
import { Stop } from '../command-line/stop.ts'
import { readNumber, UsageError } from '../command-line/values.ts'
import type { MonitorArguments } from '../commands/monitor.ts'
import { loadFamily, nameAmong } from '../families/load.ts'
import { MONITOR_GROUPS } from '../families/names.ts'
import { plainValues } from '../families/plain.ts'
import { output } from '../terminal/output.ts'

/** Prints the notifications of families until it is stopped. */
export async function runMonitor({ values, operands }: MonitorArguments): Promise<ExitCode> {
  if (operands.length === 0) throw new UsageError('FAMILY is missing: route, or the name of a family')
  const names = operands.flatMap((name): readonly string[] => (name === 'route' ? MONITOR_GROUPS.route : [name]))
  const descriptions = await Promise.all(names.map(loadFamily))
  const watched = descriptions.map((description) => ({ description, groups: readGroups(description, values.group) }))
  const most = readNumber('--count', values.count, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY
  const stop = new Stop(readNumber('--seconds', values.seconds, 1, 1_000_000))
  let shown = 0
  const families: NetlinkFamily[] = []
  const show = async ({ description, groups }: (typeof watched)[number], family: NetlinkFamily) => {
    for await (const { operation, values: given } of family.subscribe(...groups)) {
      const plain = plainValues(description, operation, given)
      if (values.json) output.json({ family: description.name, operation, values: plain })
      else output.line(`${description.name} ${operation} ${jsonText(plain)}`)
      await output.drained()
      if (++shown >= most) stop.request()
      if (stop.isRequested) return
    }
  }
  try {
    for (const { description } of watched) families.push(await openFamily(description))
    const loops = watched.map((each, index) => show(each, families[index] as NetlinkFamily))
    process.stderr.write(`ringlink monitor: watching ${names.join(', ')}; Ctrl-C ends it\n`)
    await Promise.race([stop.requested, Promise.all(loops)])
    for (const family of families) await family.close()
    await Promise.all(loops)
  } finally {
    for (const family of families) await family.close()
  }
  const lost = families.reduce((sum, { stats }) => sum + stats.lost, 0)
  if (lost > 0) process.stderr.write(`ringlink monitor: ${lost} notifications were lost\n`)
  return 0
}

/** The groups to join: those given, or all. */
function readGroups({ name, groups }: FamilyDescription, given: readonly string[]): string[] {
  const known = Object.keys(groups)
  if (known.length === 0) throw new UsageError(`${name} has no multicast groups`)
  if (given.length === 0) return known
  return given.map((group) => {
    const found = nameAmong(group, known)
    if (found === undefined) throw new UsageError(`${name} has no group ${quoteText(group)}${didYouMean(group, known)}`)
    return found
  })
}
