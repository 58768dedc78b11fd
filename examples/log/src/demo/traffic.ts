/** The traffic, shared by the sender, the rules and the checks. */
export const ADDRESS = '127.0.0.1'
export const UDP_PORT = 4100
export const TCP_PORT = 4102
/** A port without a listener: the kernel answers with ICMP. */
export const DNS_PORT = 53
export const DATAGRAMS = 10_000
export const QUESTIONS = 200
export const TCP_BYTES = 4 * 1024 * 1024

export const THRESHOLD = 64
export const MAIN_GROUP = 5
/** Its rule copies no more than so many bytes of a packet. */
export const SMALL_GROUP = 6
export const SMALL_RANGE = 64

/** The report of the sender at its end. */
export interface SenderReport {
  /** why it gave up, if it did */
  readonly problem: string | undefined
}
