// What each constant of the headers is: described, generated, or absent with a reason.
import { GENERATED_REASONS, REASONS } from './reasons.mjs'

/**
 * @typedef {import('./source.mjs').Description} Description
 * @typedef {{ name: string, number: number | undefined, kind: 'described' | 'generated' | 'absent', reason?: string,
 * file?: string, differs?: number }} Status
 */

const WITHOUT_REASON = 'not described'

/**
 * The status of a constant of a family.
 * @param {string} name
 * @param {number | undefined} number
 * @param {ReadonlyMap<string, Description>} described
 * @param {{ complete?: boolean, byHand?: boolean, module?: string }} family
 * @param {{ header?: string, group?: string, answers?: ReadonlySet<number> }} [place] where it is, and the numbers of
 * the family's answers
 * @returns {Status}
 */
export function statusOf(name, number, described, { complete, byHand, module }, place = {}) {
  const found = described.get(name)
  if (found !== undefined) {
    const kind = found.file.includes('/generated/') ? 'generated' : 'described'
    const differs = isSame(name, number, found.number) ? undefined : found.number
    return { name, number, kind, file: found.file, ...(differs !== undefined && { differs }) }
  }
  const absent = (reason) => ({ name, number, kind: 'absent', reason })
  const reason = REASONS.find((rule) => matches(rule, name, place))?.reason
  if (reason !== undefined) return absent(reason)
  if (complete === true) return absent(WITHOUT_REASON)
  if (byHand === true) return absent('left out by hand')
  if (module === undefined) return absent('no specification')
  if (COMMAND.test(name) && place.answers?.has(number)) return absent('number of an answer')
  return absent(GENERATED_REASONS.find((rule) => matches(rule, name, place))?.reason)
}

/** Commands of families whose answers are generated: Open vSwitch has further ones in the same header. */
const COMMAND = /^(?!__|OVS_(PACKET|METER|CT_LIMIT))\w+_(CMD|MSG)_/

function matches({ names, group, header }, name, place) {
  return (
    (names === undefined || names.test(name)) &&
    (group === undefined || group.test(place.group ?? '')) &&
    (header === undefined || header.test(place.header ?? ''))
  )
}

/** Whether a status is a gap: a constant of a complete family that we lack, or that has another number. */
export function isGap({ reason, differs }) {
  return reason === WITHOUT_REASON || differs !== undefined
}

/**
 * Whether the numbers agree: those of messages have the subsystem in the upper byte, lengths of text are less the zero
 * byte.
 */
function isSame(name, number, ours) {
  if (number === undefined || ours === undefined || number === ours) return true
  if (/_MSG_|^IPSET_CMD_/.test(name)) return (ours & 0xff) === number
  if (/(MAXLEN|PREFIXLEN|NAMSIZ|NAME_MAX)$/.test(name)) return ours === number - 1
  // Of 16 bits, where C computes with 32.
  return name === 'NLA_TYPE_MASK' && (number & 0xffff) === ours
}
