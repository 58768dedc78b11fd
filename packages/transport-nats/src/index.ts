/**
 * Netlink frames through a NATS JetStream stream: hosts publish what a transport delivers, and consumers anywhere
 * receive it.
 */

export type { HostStats } from './consume/hosts.ts'
export { openNats } from './consume/open.ts'
export type { NatsOptions, StreamStart } from './consume/options.ts'
export type { DeliveryStats, NatsEvents, NatsTransport } from './consume/transport.ts'
export type { ByteOrder, Compression } from './envelope.ts'
export { NatsError, type NatsErrorCode } from './errors.ts'
export type { NatsPassword, NatsServer, NatsTls } from './options.ts'
export type { PublishOptions } from './publish/options.ts'
export type { Overflow } from './publish/outgoing.ts'
export { publish } from './publish/publish.ts'
export { type FrameSource, Publisher, type PublisherEvents } from './publish/publisher.ts'
export type { PublisherStats } from './publish/stats.ts'
export { createStream, readStream, type StreamOptions, type StreamState } from './stream.ts'
