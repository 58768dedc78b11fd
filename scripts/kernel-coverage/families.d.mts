export interface CoveredFamily {
  readonly title: string
  readonly headers: string[]
  readonly complete?: boolean
  readonly byHand?: boolean
  readonly module?: string
}
export const SOURCES: string[]
export const FAMILIES: CoveredFamily[]
