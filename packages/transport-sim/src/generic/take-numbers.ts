import { EncodeError, Errno, type FamilyDescription } from '@ringlink/codec'
import { didYouMean } from '@ringlink/codec/internal'
import { systemError } from '@ringlink/transport'
import type { GenericGroup } from './command.ts'
import type { GenericNetlink } from './generic.ts'

/** Checks what is to be registered, and takes numbers for it. Throws as `SimKernel.registerFamily`. */
export function takeNumbers(
  generic: GenericNetlink,
  description: FamilyDescription,
  handlers: Readonly<Record<string, unknown>>,
): { id: number; groups: readonly GenericGroup[] } {
  const { name, generic: described, operations, groups } = description
  if (described === undefined) {
    throw new EncodeError('VALUE_RANGE', `register ${name}: only a generic family can be registered`)
  }
  for (const operation of Object.keys(handlers)) {
    if (Object.hasOwn(operations, operation)) continue
    const hint = didYouMean(operation, Object.keys(operations))
    throw new EncodeError('ATTRIBUTE_UNKNOWN', `register ${name}: it has no operation "${operation}"${hint}`)
  }
  if (generic.named(described.name) !== undefined) throw systemError(`register ${name}`, Errno.EEXIST)
  const groupNames = Object.values(groups).filter((group) => typeof group === 'string')
  const id = generic.freeId()
  const numbered = generic.freeGroups(groupNames)
  if (id === undefined || numbered === undefined) throw systemError(`register ${name}`, Errno.ENOMEM)
  return { id, groups: numbered }
}
