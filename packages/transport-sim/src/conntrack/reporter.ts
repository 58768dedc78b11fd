/** Who asked for a change, for the events about it. */
export interface Reporter {
  /** 0: nobody, but a packet, or time */
  readonly portId: number
  /** it is to be told itself (NLM_F_ECHO) */
  readonly echo: boolean
}

export const NOBODY: Reporter = { portId: 0, echo: false }
