import { Errno, errnoName, isNetlinkError } from '@ringlink/codec'
import type { Transport } from '@ringlink/transport'
import { RulesError } from './errors.ts'
import type { RulePlan } from './install.ts'

/** Where the kernel lists the network devices of a namespace. */
const DEVICES_FILE = 'dev'

/**
 * Refuses rules for a device that does not exist, unless they allow that: newer kernels accept such rules silently and
 * wait for the device, so a typing error would disable a rule. Throws code `RULES_REFUSED`. If the transport cannot
 * list devices, the kernel decides.
 */
export function checkDevices(transport: Transport, { rules, placeOf }: RulePlan): void {
  if (!rules.some(({ device, allowMissingDevice }) => device !== undefined && allowMissingDevice !== true)) return
  const known = deviceNames(transport)
  if (known === undefined) return
  for (const [index, { device, allowMissingDevice }] of rules.entries()) {
    if (device === undefined || allowMissingDevice === true || known.has(device)) continue
    const { operation, path } = placeOf(index).member('device')
    const advice = 'make it first, or set allowMissingDevice for a rule that waits for it'
    const text = `${operation}: ${path}: there is no network device '${device}' in this namespace (${errnoName(Errno.ENODEV)}); ${advice}`
    throw new RulesError('RULES_REFUSED', text, { rule: index, errno: Errno.ENODEV })
  }
}

/** `/proc/net/dev` has two lines of headings, then one for each device: ` name: numbers`. */
function deviceNames(transport: Transport): ReadonlySet<string> | undefined {
  try {
    const lines = transport.readProcNet(DEVICES_FILE).split('\n').slice(2)
    return new Set(lines.map((line) => line.slice(0, Math.max(0, line.lastIndexOf(':'))).trim()))
  } catch (error) {
    if (isNetlinkError(error, 'SYSTEM') || isNetlinkError(error, 'UNSUPPORTED')) return undefined
    throw error
  }
}
