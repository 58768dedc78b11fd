// What each constant of the headers is: described, generated, or absent with a reason.
import { REASONS } from './reasons.mjs'

/**
 * @typedef {import('./source.mjs').Description} Description
 * @typedef {{ name: string, number: number | undefined, kind: 'described' | 'generated' | 'absent', reason?: string, file?: string, differs?: number }} Status
 */

const WITHOUT_REASON = 'not described'

/**
 * The status of a constant of a family.
 * @param {string} name
 * @param {number | undefined} number
 * @param {ReadonlyMap<string, Description>} described
 * @param {{ complete?: boolean, byHand?: boolean, module?: string }} family
 * @returns {Status}
 */
export function statusOf(name, number, described, { complete, byHand, module }) {
  const found = described.get(name)
  if (found !== undefined) {
    const kind = found.file.includes('/generated/') ? 'generated' : 'described'
    const differs = isSame(name, number, found.number) ? undefined : found.number
    return { name, number, kind, file: found.file, ...(differs !== undefined && { differs }) }
  }
  const reason = REASONS.find(({ names }) => names.test(name))?.reason
  if (reason !== undefined) return { name, number, kind: 'absent', reason }
  if (complete === true) return { name, number, kind: 'absent', reason: WITHOUT_REASON }
  if (byHand === true) return { name, number, kind: 'absent', reason: 'left out by hand' }
  return {
    name,
    number,
    kind: 'absent',
    reason: module === undefined ? 'no specification' : 'not in the specification',
  }
}

/** Whether a status is a gap: a constant of a complete family that we lack, or that has another number. */
export function isGap({ reason, differs }) {
  return reason === WITHOUT_REASON || differs !== undefined
}

/** Whether the numbers agree: those of messages have the subsystem in the upper byte, lengths of text are less the zero byte. */
function isSame(name, number, ours) {
  if (number === undefined || ours === undefined || number === ours) return true
  if (/_MSG_|^IPSET_CMD_/.test(name)) return (ours & 0xff) === number
  if (/(MAXLEN|PREFIXLEN|NAMSIZ|NAME_MAX)$/.test(name)) return ours === number - 1
  // Of 16 bits, where C computes with 32.
  return name === 'NLA_TYPE_MASK' && (number & 0xffff) === ours
}
