/** Something that must be so. */
export interface Check {
  readonly what: string
  readonly passed: boolean
}

export function check(what: string, passed: boolean): Check {
  return { what, passed }
}

/** One line for each check. */
export function formatChecks(checks: readonly Check[]): string {
  return checks.map(({ what, passed }) => `  ${passed ? 'ok    ' : 'FAILED'}  ${what}`).join('\n')
}
