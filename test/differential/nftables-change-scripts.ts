/** Scripts about several changes of one table in one batch: the kernel refuses some after others. */
import { Family, NfTablesMessage, TableFlag } from '@ringlink/codec'
import {
  base,
  batch,
  chain,
  deleteChain,
  deleteTable,
  dumps,
  type NfMessage,
  type NfStep,
  opened,
  read,
  rule,
  table,
} from './nftables-script.ts'

const { Dormant } = TableFlag

/** Two messages of a batch, each after each, in a table that is made again for each pair. */
function everyPair(begin: readonly NfMessage[], changes: readonly NfMessage[]): NfStep[] {
  const end = batch([deleteTable({}, { family: Family.Unspecified })])
  const pairs = changes.flatMap((first) => changes.map((second) => [first, second]))
  return [...opened, ...pairs.flatMap((pair) => [batch(begin), batch(pair), read(), ...dumps(), end, read()])]
}

const changes = [
  table('t', { flags: Dormant }),
  table('t', { flags: 0 }),
  chain({ name: 'c', policy: 0 }),
  chain({ name: 'c' }),
  chain({ name: 'regular' }),
  chain({ name: 'regular', hook: { number: 3, priority: 0 } }),
  chain({ name: 'other' }),
  base('second', 5),
  deleteChain({ name: 'c' }),
  deleteChain({ name: 'regular' }),
  rule([], { chain: 'c' }),
  table('another', { flags: Dormant }),
]

const devices = (name: string) => ({ number: 0, priority: 0, devices: [{ name }] })
const inNetdev = { family: Family.NetworkDevice }
const deviceChanges = [
  table('t', { flags: Dormant }, inNetdev),
  table('t', { flags: 0 }, inNetdev),
  chain({ name: 'c', policy: 1 }, inNetdev),
  chain({ name: 'c', hook: devices('lo') }, inNetdev),
  chain({ name: 'second', type: 'filter', hook: devices('lo') }, inNetdev),
  chain({ name: 'c', hook: { devices: [{ name: 'lo' }, { name: 'lo' }] } }, inNetdev),
  chain({ name: 'c', hook: devices('missing') }, inNetdev),
  chain({ name: 'c', hook: { devices: [{ name: 'one' }, { name: 'two' }, { name: 'lo' }] } }, inNetdev),
  chain({ name: 'without', hook: devices('lo') }, inNetdev),
  deleteChain({ name: 'c' }, inNetdev),
  deleteChain({ name: 'c', hook: devices('lo') }, inNetdev),
  deleteChain({ name: 'c', hook: devices('missing') }, inNetdev),
  deleteChain({ name: 'c', hook: { ...devices('lo'), number: 1 } }, inNetdev),
  deleteChain({ name: 'without', hook: devices('lo') }, inNetdev),
  deleteChain({ name: 'c', hook: devices('lo') }, inNetdev, NfTablesMessage.DestroyChain),
]

const before = (flags: number): NfMessage[] => [table('t', { flags }), base(), chain({ name: 'regular' })]
const beforeInNetdev = (flags: number): NfMessage[] => [
  table('t', { flags }, inNetdev),
  chain({ name: 'c', type: 'filter', hook: devices('lo') }, inNetdev),
  chain({ name: 'without', type: 'filter', hook: { number: 0, priority: 0 } }, inNetdev),
]

export const nfChangeScripts: Readonly<Record<string, readonly NfStep[]>> = {
  'two changes of a table': everyPair(before(0), changes),
  'two changes of a dormant table': everyPair(before(Dormant), changes),
  'two changes of a table of devices': everyPair(beforeInNetdev(0), deviceChanges),
  'two changes of a dormant table of devices': everyPair(beforeInNetdev(Dormant), deviceChanges),
}
