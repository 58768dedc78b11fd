/** The result of one check, or of the user's own command. */
export interface Outcome {
  readonly status: number
  readonly seconds: number
  readonly isCommand?: boolean
}

export function guestScript(checks: readonly { limit: number; command: string }[], nodeStart: number): string
export function parseOutcome(line: string): (Outcome & { readonly index: number }) | undefined
export function hasFailed(outcome: Outcome): boolean
export function outcomeText(outcome: Outcome | undefined, missing?: string): string
export function outcomeTable(
  names: readonly string[],
  columns: readonly { version: string; outcomes: ReadonlyMap<string, Outcome> }[],
  missing?: string,
): string
