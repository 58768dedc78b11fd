import {
  boolean,
  either,
  integer,
  object,
  oneOf,
  readOptions,
  type Schema,
  schemaOf,
  text,
} from '@ringlink/codec/options'
import { type ConntrackOptions, conntrackOptions } from './conntrack/settings.ts'
import { type LinuxVersion, linuxVersionNames } from './linux.ts'
import { type NfTablesOptions, nfTablesOptions } from './nftables/options.ts'

/** How a simulated kernel is made. */
export interface SimKernelOptions {
  /** seed of everything that is chosen at random: port ids, the hash that spreads packets over queues; default 1 */
  readonly seed?: number | undefined
  /**
   * the Linux whose features its nf_tables and its connection tracking have, where their options do not say otherwise:
   * `6.1` and `6.12` are Debian 12's, with their updates of 2026. Default `6.18`
   */
  readonly linux?: LinuxVersion | undefined
  /**
   * its connection tracking; default as Linux has it. `false`: a kernel without, and without the expressions `ct` and
   * `notrack`
   */
  readonly conntrack?: ConntrackOptions | false | undefined
  /**
   * queued packets and log records can tell their connections, and verdicts change them
   * (CONFIG_NETFILTER_NETLINK_GLUE_CT); default false, and asking is EOPNOTSUPP
   */
  readonly conntrackGlue?: boolean | undefined
  /**
   * the features of its nf_tables; default everything that the simulator supports. `false`: a kernel without nf_tables
   */
  readonly nfTables?: NfTablesOptions | false | undefined
  /** a batch for a missing subsystem panics the kernel, as in Linux 4.4.1: the flush throws; default false */
  readonly batchPanics?: boolean | undefined
  /** packets that this machine sends tell their protocol; before Linux 4.8 it is 0 for them. Default true */
  readonly localProtocol?: boolean | undefined
  /** log rules limit the copied bytes; before Linux 4.8 only the log itself does. Default true */
  readonly ruleCopyRange?: boolean | undefined
  /**
   * bytes of the block that a small message is in, and that counts in a receive buffer: those of `skb_small_head_cache`
   * since Linux 6.3, which depend on how the kernel was built, before it 512. Default as Debian's have it, of 6.18 576
   */
  readonly smallBlock?: number | undefined
  /**
   * a log record of what comes in has a time in any case: its own if its packet has none, as over the loopback device.
   * Default true, of 6.1 false
   */
  readonly logTimes?: boolean | undefined
  /** names of network devices by index; default 1, `lo`. Those of others are `dev` and the index */
  readonly devices?: Readonly<Record<number, string>> | undefined
  /** overwrite frames that were released; default true. It costs a pass over the memory of a batch */
  readonly poison?: boolean | undefined
}

/** `IFNAMSIZ` without the byte that ends the name */
const LONGEST_DEVICE_NAME = 15

const SMALLEST_BLOCK = 512
const LARGEST_SMALL_BLOCK = 1024

const deviceIndex = integer(1, 0x7fffffff)
const deviceName = text(1, LONGEST_DEVICE_NAME)
const devices: Schema<Readonly<Record<number, string>>> = schemaOf(
  'an object with names of devices by interface index',
  ['object'],
  (given: Readonly<Record<string, unknown>>, place) => {
    const names: Record<number, string> = {}
    for (const key of Object.keys(given)) {
      if (!/^\d+$/.test(key)) throw place.unknownKey(key, ', expected interface indexes')
      const at = place.member(key)
      names[deviceIndex.read(Number(key), at)] = deviceName.read(given[key], at)
    }
    return names
  },
)

const none: Schema<false> = schemaOf('false', ['boolean'], (value: boolean, place) => {
  if (value) throw place.outOfRange('false, or an object', value)
  return value
})

const kernelOptions: Schema<SimKernelOptions> = object<SimKernelOptions>({
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  linux: oneOf(...linuxVersionNames),
  conntrack: either(conntrackOptions, none),
  conntrackGlue: boolean,
  nfTables: either(nfTablesOptions, none),
  batchPanics: boolean,
  localProtocol: boolean,
  ruleCopyRange: boolean,
  smallBlock: integer(SMALLEST_BLOCK, LARGEST_SMALL_BLOCK),
  logTimes: boolean,
  devices,
  poison: boolean,
})

/** Checks the options of a simulated kernel. Throws `OptionError`. */
export function checkKernelOptions(given: SimKernelOptions): SimKernelOptions {
  return readOptions('make simulated kernel', kernelOptions, given)
}
