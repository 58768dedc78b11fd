/** How a log that is published is read. */
import { readFileSync } from 'node:fs'
import type { LogOptions } from 'ringlink'

export type Reading = Pick<LogOptions, 'readInterval' | 'receiveBufferSize'>

/**
 * Less often than by default, because its frames wait for others anyway (`delay` of `publish`), into a buffer of the
 * kernel that is as much larger: five times.
 */
const SELDOM: Reading = { readInterval: 50, receiveBufferSize: 160 * 1024 * 1024 }
const AS_USUAL: Reading = {}
/** What a process of the system's own user namespace sees: all users, as they are. */
const ALL_USERS = /^\s*0\s+0\s+4294967295\s*$/

/**
 * @param uidMap `/proc/self/uid_map`: in a user namespace of its own, a process with all capabilities gets no larger
 * buffer than `net.core.rmem_max` (socket(7), `SO_RCVBUFFORCE`), which a longer wait would overflow
 */
export function readingOfPublished(uidMap = readUidMap()): Reading {
  return ALL_USERS.test(uidMap) ? SELDOM : AS_USUAL
}

function readUidMap(): string {
  try {
    return readFileSync('/proc/self/uid_map', 'utf8')
  } catch {
    return ''
  }
}
