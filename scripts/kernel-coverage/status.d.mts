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
export function statusOf(
  name: string,
  number: number | undefined,
  described: ReadonlyMap<string, Description>,
  family: Pick<CoveredFamily, 'complete' | 'byHand' | 'module'>,
): Status
export function isGap(status: Status): boolean
