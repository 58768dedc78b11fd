/** A connection that a request makes. */
import { ConntrackStatus, Errno } from '@ringlink/codec'
import type { AttributeTable } from '../netlink/policy.ts'
import { CTA } from './attributes.ts'
import { changeAdjustments, changeMark, changeProtocol, changeStatus, changeSynproxy, parseHelper } from './change.ts'
import type { Connection } from './connection.ts'
import { findHelper } from './helpers.ts'
import { parseTuple } from './parse.ts'
import type { ConntrackTable } from './table.ts'
import { TcpTracking } from './tcp-tracking.ts'
import type { Tuple, Zone } from './tuple.ts'

const SECOND = 1000

/** Makes a connection and takes it in; the caller has a reference to it. Or a negative errno. */
export function createConnection(
  table: ConntrackTable,
  attributes: AttributeTable,
  original: Tuple,
  reply: Tuple,
  zone: Zone,
): Connection | number {
  const connection = table.create(original, reply, zone)
  if (connection === undefined) return -Errno.ENOMEM
  const errno = fill(table, connection, attributes)
  if (errno === 0 && table.insert(connection)) {
    table.statistics.insert++
    return connection
  }
  table.release(connection)
  return errno === 0 ? -Errno.EEXIST : errno
}

function fill(table: ConntrackTable, connection: Connection, attributes: AttributeTable): number {
  if (!attributes.has(CTA.timeout)) return -Errno.EINVAL
  table.setTimeout(connection, attributes.be32(CTA.timeout) * SECOND)
  if (attributes.has(CTA.helper)) {
    const name = parseHelper(attributes)
    if (typeof name === 'number') return name
    const helper = findHelper(name, connection.family, connection.protocol)
    if (helper === undefined) return -Errno.EOPNOTSUPP
    connection.helper = { helper, expectations: [] }
    connection.status |= ConntrackStatus.Helper
  }
  if (attributes.has(CTA.natSource) || attributes.has(CTA.natDestination)) return -Errno.EOPNOTSUPP
  table.extend(connection)
  connection.adjustments = [
    { position: 0, before: 0, after: 0 },
    { position: 0, before: 0, after: 0 },
  ]
  connection.synproxy = { initialSequence: 0, initialTimestamp: 0, timestampOffset: 0 }
  connection.tcp = new TcpTracking()
  // It counts as confirmed before it is: a status must have that bit.
  connection.status |= ConntrackStatus.Confirmed
  const steps = [
    () => (attributes.has(CTA.status) ? changeStatus(connection, attributes) : 0),
    () => changeAdjustments(connection, attributes),
    () => (attributes.has(CTA.protocolInformation) ? changeProtocol(connection, attributes) : 0),
    () => changeSynproxy(connection, attributes),
    () => changeMark(connection, attributes),
    () => (attributes.has(CTA.master) ? attachMaster(table, connection, attributes) : 0),
  ]
  for (const step of steps) {
    const errno = step()
    if (errno !== 0) return errno
  }
  return 0
}

/** The connection is one that was expected because of another. */
function attachMaster(table: ConntrackTable, connection: Connection, attributes: AttributeTable): number {
  const { family, zone } = connection
  const parsed = parseTuple(attributes, CTA.master, { family, zone: undefined })
  if (typeof parsed === 'number') return parsed
  const master = table.find(parsed.tuple, zone)?.connection
  if (master === undefined) return -Errno.ENOENT
  connection.status |= ConntrackStatus.Expected
  connection.master = master
  master.references++
  return 0
}
