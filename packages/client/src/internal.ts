/**
 * What sibling packages share with the client: descriptions without a promise to users. Every release may change them.
 */
export { queueMembers } from './queue/schema.ts'
