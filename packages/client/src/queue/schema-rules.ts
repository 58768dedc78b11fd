/** All options of queues. */
import { type Members, object, type Schema } from '@ringlink/codec/options'
import { queueRules } from '../rules/schema.ts'
import { ruleSets } from '../rules/sets/definition.ts'
import type { QueueOptions } from './options.ts'
import { plainQueueMembers } from './schema.ts'

/** The members of `openQueue`'s options, for packages that add their own. */
export const queueMembers: Members<QueueOptions> = { ...plainQueueMembers, rule: queueRules, sets: ruleSets }

/** The options of `openQueue`. */
export const queueOptions: Schema<QueueOptions> = object<QueueOptions>(queueMembers)
