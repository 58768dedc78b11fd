/** Where the packets of a measurement begin and end; what a loop over packets tells it. */
export interface Pace {
  /** true once the measured part is over; the handler continues to answer */
  readonly isOver: boolean
  /** packets that are still to be answered before it pauses or ends, where that is a number of packets */
  readonly left: number
  /** Before the packets of one batch are looked at. May block this thread. */
  received(): void
  /**
   * `packets` of them have had their verdicts; `flush` sends these, and is called where the measurement ends with them.
   */
  answered(packets: number, flush: () => void): void
}

/** The output of a handler after its measurement; the same in C (bench/peers/meter.h). */
export interface HandlerReport {
  readonly packets: number
  readonly seconds: number
  /** CPU seconds of the whole process between the first packet and the last */
  readonly user: number
  readonly system: number
  /** null where the handler cannot count them */
  readonly systemCalls: number | null
  readonly errors: number
  readonly lost: number
  readonly checksum: number
}

/** The measurements of a handler besides the packets. */
export interface HandlerCounts {
  readonly systemCalls: number | null
  readonly errors: number
  readonly lost: number
  readonly checksum: number
}
