import type { Transport } from '../transport.ts'

/** What the other end of a transport may be unable to do; the cases that need it are skipped, and say why. */
export type Ability =
  /** messages of no bytes */
  | 'emptyMessages'
  /** messages longer than a frame */
  | 'longMessages'
  /** {@link Peer.deliverForeign} */
  | 'foreign'
  /** {@link Peer.lose} */
  | 'loss'
  /** {@link Peer.request} and {@link Peer.sent} */
  | 'sent'
  /** {@link Peer.limitSend} */
  | 'partialSend'
  /** {@link Peer.request} and {@link Peer.answered} */
  | 'answers'
  /** {@link Peer.deliverToGroup} */
  | 'groups'
  /** the transport was opened such that released frames are overwritten */
  | 'poison'

/**
 * The other end of a transport under test: what makes traffic. It is done when it returns, or when its promise is
 * resolved: what was delivered can be received then without further waiting.
 */
export interface Peer {
  /** Sends messages to the transport, in order, so that it takes them as the kernel's. May wait for room at the transport. */
  deliver(messages: readonly Uint8Array[]): void | Promise<void>
  /** Sends messages from another port than the kernel's. */
  deliverForeign?(messages: readonly Uint8Array[]): void | Promise<void>
  /** Sends a message to multicast group `group` (1 to 32); it reaches the transport when it has joined. */
  deliverToGroup?(group: number, message: Uint8Array): void | Promise<void>
  /** Has exactly `count` messages lost. Others may be delivered on the way there; the suite does not look at them. */
  lose?(count: number): void | Promise<void>
  /** A message of `byteLength` bytes (16 or more) that this end takes, and answers when it can; a different one for each index. */
  request?(index: number, byteLength: number): Uint8Array
  /** All requests that have arrived since the last call, in order. It may use up the transport's own frames to find out. */
  sent?(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  /** The request that a received message is the answer to; `undefined` for a message that answers none. */
  answered?(message: Uint8Array): Uint8Array | undefined
  /** Has the next flush with more than `commits` commits send no more than that. */
  limitSend?(commits: number): void
}

/** How a case wants its transport. */
export interface OpenFixtureOptions {
  /**
   * Frames of other senders. Left out: as the fixture likes it, if only {@link Peer.deliver} works. `dropped`: as the
   * contract has it by default; then {@link Peer.deliver} need not work. `delivered`: the transport is opened for all.
   */
  readonly foreign?: 'dropped' | 'delivered' | undefined
}

/**
 * A transport, fresh and isolated, with its other end. Sizes should be small, so that the limits are reached: frames of
 * 256 to 4096 bytes, 2 to 16 to a batch, two to eight batches, an outbox of 512 to 16384 bytes.
 */
export interface Fixture {
  readonly transport: Transport
  readonly peer: Peer
  /**
   * how many transports the leak test opens one after the other. Default 20, for transports that own no descriptor; one that
   * does should say some hundreds or, where opening is cheap, thousands
   */
  readonly openRounds?: number | undefined
  /** Closes the transport, if that has not happened, and the other end. */
  close(): void | Promise<void>
}

/** How the suite gets its transports. */
export type OpenFixture = (options: OpenFixtureOptions) => Fixture | Promise<Fixture>
