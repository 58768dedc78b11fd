/**
 * `ok`; `warn`: works, and could work better; `fail`: does not work; `info`: a fact; `unknown`: cannot be determined
 * here
 */
export type CheckState = 'ok' | 'warn' | 'fail' | 'info' | 'unknown'

/** What was found of one thing. */
export interface Check {
  /** for programs: `queue.subsystem` */
  readonly id: string
  readonly title: string
  readonly state: CheckState
  readonly found: string
  /** what to do about it */
  readonly advice?: string | undefined
  /** queues cannot work without it */
  readonly isRequired?: true
}
