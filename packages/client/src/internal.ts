/**
 * What sibling packages share with the client: descriptions without a promise to users. Every release may change them.
 */
export { isPlainQueue, openPlainQueue } from './queue/open-plain.ts'
export { queueMembers } from './queue/schema-rules.ts'
