import { type FamilyDescription, isNetlinkError } from '@ringlink/codec'
import { openSocket } from '@ringlink/transport-socket'
import { type NetlinkFamily, openFamily } from '../../src/index.ts'

/** The families that a test opens, until they are closed together. */
export class OpenedFamilies {
  readonly #opened: NetlinkFamily[] = []

  /** Opens a family on a plain socket of this network namespace, or of another. */
  async open<Description extends FamilyDescription>(
    family: Description,
    networkNamespace?: string,
  ): Promise<NetlinkFamily<Description>> {
    const found = await openFamily(family, { transport: (needs) => openSocket({ ...needs, networkNamespace }) })
    this.#opened.push(found as unknown as NetlinkFamily)
    return found
  }

  /** As {@link open}; `undefined` where the kernel does not have it, and the error says `remedy`. */
  async openOrExplain<Description extends FamilyDescription>(
    family: Description,
    remedy: string,
    networkNamespace?: string,
  ): Promise<NetlinkFamily<Description> | undefined> {
    try {
      return await this.open(family, networkNamespace)
    } catch (error) {
      if (!isNetlinkError(error, 'FAMILY_UNSUPPORTED') || !error.message.includes(remedy)) throw error
      return undefined
    }
  }

  async close(): Promise<void> {
    for (const family of this.#opened.splice(0)) await family.close()
  }
}
