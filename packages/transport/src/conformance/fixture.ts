import type { Transport } from '../transport.ts'

/** The abilities that the peer of a transport may lack; the cases that need one are skipped with a reason. */
export type Ability =
  /** empty messages */
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
  /** the transport was opened so that released frames are overwritten */
  | 'poison'

/**
 * The peer of a transport under test, which makes the traffic. Once a method returns, or its promise resolves, its
 * messages can be received without further waiting.
 */
export interface Peer {
  /** Sends messages to the transport, in order, as the kernel. May wait for room at the transport. */
  deliver(messages: readonly Uint8Array[]): void | Promise<void>
  /** Sends messages from a port other than the kernel's. */
  deliverForeign?(messages: readonly Uint8Array[]): void | Promise<void>
  /** Sends a message to multicast group `group` (1 to 32); it reaches the transport if that has joined. */
  deliverToGroup?(group: number, message: Uint8Array): void | Promise<void>
  /** Makes the transport lose exactly `count` messages. Others may be delivered before; the suite ignores them. */
  lose?(count: number): void | Promise<void>
  /**
   * A request of `byteLength` bytes (16 or more), different for each index, that this end accepts and answers if it
   * can.
   */
  request?(index: number, byteLength: number): Uint8Array
  /**
   * All requests that have arrived since the last call, in order. It may use the transport's own frames to find out.
   */
  sent?(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  /** The request that a received message answers; `undefined` if it answers none. */
  answered?(message: Uint8Array): Uint8Array | undefined
  /** Makes the next flush of more than `commits` commits send only that many. */
  limitSend?(commits: number): void
}

/** How a case opens its transport. */
export interface OpenFixtureOptions {
  /**
   * Frames of other senders. Left out: the fixture decides, but {@link Peer.deliver} must work. `dropped`: the default
   * of the contract; {@link Peer.deliver} need not work. `delivered`: the transport is opened for all senders.
   */
  readonly foreign?: 'dropped' | 'delivered' | undefined
}

/**
 * A fresh, isolated transport and its peer. Sizes should be small, so that limits are reached: frames of 256 to 4096
 * bytes, 2 to 16 per batch, two to eight batches, an outbox of 512 to 16384 bytes.
 */
export interface Fixture {
  readonly transport: Transport
  readonly peer: Peer
  /**
   * how many transports the leak test opens consecutively. Default 20, for transports without descriptors; others
   * should use some hundreds or, if opening is cheap, thousands
   */
  readonly openRounds?: number | undefined
  /** Closes the transport, if it is still open, and the peer. */
  close(): void | Promise<void>
}

/** Opens the transports of the suite. */
export type OpenFixture = (options: OpenFixtureOptions) => Fixture | Promise<Fixture>
