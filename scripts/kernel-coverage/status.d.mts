import type { CoveredFamily } from './families.mjs'
import type { Description } from './source.mjs'

export interface Status {
  readonly name: string
  readonly number: number | undefined
  readonly kind: 'described' | 'generated' | 'absent'
  readonly reason?: string
  readonly file?: string
  /** our number, where it is another */
  readonly differs?: number
}
/** Where a constant is, and the numbers of the answers of its family. */
export interface Place {
  readonly header?: string
  readonly group?: string
  readonly answers?: ReadonlySet<number>
}
export function statusOf(
  name: string,
  number: number | undefined,
  described: ReadonlyMap<string, Description>,
  family: Pick<CoveredFamily, 'complete' | 'byHand' | 'module'>,
  place?: Place,
): Status
export function isGap(status: Status): boolean
