import { Errno, type FamilyDescription, isNetlinkError } from '@ringlink/codec'
import {
  abortSignal,
  instance,
  milliseconds,
  object,
  readArgument,
  readOptions,
  required,
  type Schema,
} from '@ringlink/codec/options'
import type { OpenTransport, Transport } from '@ringlink/transport'
import { openFor } from '../opening.ts'
import { Session } from '../session.ts'
import { transportOrOpen } from '../transport-schema.ts'
import { familyUnsupported, findFamily } from './controller.ts'
import { NetlinkFamily } from './family.ts'

/** How a family is opened. */
export interface FamilyOptions {
  /** an open transport of the family's protocol, or what opens one */
  readonly transport: Transport | OpenTransport
  /** milliseconds to wait for an answer; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts opening */
  readonly signal?: AbortSignal | undefined
}

const familyOptions: Schema<FamilyOptions> = object<FamilyOptions>({
  transport: required(transportOrOpen),
  requestTimeout: milliseconds(),
  signal: abortSignal,
})
const description: Schema<FamilyDescription> = instance('the description of a family', (value) => {
  return 'operations' in value && 'groups' in value && 'protocol' in value
}) as Schema<FamilyDescription>

/**
 * Opens a netlink family: a module of `@ringlink/families`, or a description of your own. The number and the groups of
 * a generic family are asked from the kernel by name. Rejects with code `FAMILY_UNSUPPORTED` where the kernel does not
 * have it, and names the module that brings it; otherwise as opening the transport and a request do.
 */
export async function openFamily<Description extends FamilyDescription>(
  family: Description,
  given: FamilyOptions,
): Promise<NetlinkFamily<Description>> {
  const operation = 'open family'
  readArgument(operation, 'family', description, family)
  const { transport: choice, signal, requestTimeout } = readOptions(operation, familyOptions, given)
  const { protocol, generic, module, name } = family
  let transport: Transport
  try {
    transport = await openFor({ operation, signal }, choice, { protocol })
  } catch (error) {
    const isAbsent = isNetlinkError(error, 'SYSTEM') && 'errno' in error && error.errno === Errno.EPROTONOSUPPORT
    throw isAbsent ? familyUnsupported(name, module, error) : error
  }
  const session = new Session(transport, { protocol, requestTimeout })
  try {
    if (generic === undefined) {
      const opened = new NetlinkFamily(family, session, { id: undefined, groups: new Map() })
      await expectPresence(opened as unknown as NetlinkFamily, signal)
      return opened
    }
    return new NetlinkFamily(family, session, await findFamily(session, generic.name, module, { signal }))
  } catch (error) {
    await session.close()
    throw error
  }
}

/** Carries out the request that tells whether the kernel has the family, if it needs one. */
async function expectPresence(family: NetlinkFamily, signal: AbortSignal | undefined): Promise<void> {
  const { presence, name, module } = family.description
  if (presence === undefined) return
  const { operation, mode, request, errno } = presence
  try {
    await family[mode](operation, request, { signal })
  } catch (error) {
    if (!isNetlinkError(error, 'KERNEL') || !('errno' in error)) throw error
    if (error.errno === errno) throw familyUnsupported(name, module, error)
    // Any other refusal is the family's own.
  }
}
