/**
 * Netlink and nfnetlink wire formats. Three words are used throughout: a `…View` borrows bytes where they lie, a `…Writer`
 * (or `write…`) writes in place, and the plain noun owns a copy. Everything works at `(memory, offset)`; after a view's
 * `wrap` has succeeded no getter of it can fail.
 */

export * from './errno.ts'
export * from './errors.ts'
export * from './messages.ts'
export * from './nfnetlink/conntrack/attributes.ts'
export * from './nfnetlink/header.ts'
export * from './nfnetlink/log/attributes.ts'
export * from './nfnetlink/log/record.ts'
export * from './nfnetlink/nftables/compat.ts'
export * from './nfnetlink/nftables/expressions/ct.ts'
export * from './nfnetlink/nftables/expressions/load.ts'
export * from './nfnetlink/nftables/expressions/match.ts'
export * from './nfnetlink/nftables/expressions/statement.ts'
export * from './nfnetlink/nftables/messages.ts'
export * from './nfnetlink/nftables/rule.ts'
export * from './nfnetlink/nftables/set.ts'
export * from './nfnetlink/packet-view.ts'
export * from './nfnetlink/queue/attributes.ts'
export * from './nfnetlink/queue/packet.ts'
export * from './nfnetlink/queue/verdict.ts'
export * from './schema/attribute-set.ts'
export * from './wire/attribute.ts'
export * from './wire/control.ts'
export * from './wire/endian.ts'
export * from './wire/memory.ts'
export * from './wire/message.ts'
