/**
 * Netlink and nfnetlink wire formats. Three words are used throughout: a `…View` borrows bytes where they lie, a `…Writer`
 * (or `write…`) writes in place, and the plain noun owns a copy. Everything works at `(memory, offset)`; after a view's
 * `wrap` has succeeded no getter of it can fail.
 */

export * from './attribute.ts'
export * from './attribute-set.ts'
export * from './control.ts'
export * from './endian.ts'
export * from './errno.ts'
export * from './errors.ts'
export * from './memory.ts'
export * from './message.ts'
export * from './messages.ts'
export * from './nfnetlink/conntrack.ts'
export * from './nfnetlink/header.ts'
export * from './nfnetlink/indexed-view.ts'
export * from './nfnetlink/log.ts'
export * from './nfnetlink/log-record.ts'
export * from './nfnetlink/nftables.ts'
export * from './nfnetlink/nftables-compat.ts'
export * from './nfnetlink/nftables-ct.ts'
export * from './nfnetlink/nftables-load.ts'
export * from './nfnetlink/nftables-match.ts'
export * from './nfnetlink/nftables-rule.ts'
export * from './nfnetlink/nftables-set.ts'
export * from './nfnetlink/nftables-statement.ts'
export * from './nfnetlink/queue.ts'
export * from './nfnetlink/queue-packet.ts'
export * from './nfnetlink/queue-verdict.ts'
