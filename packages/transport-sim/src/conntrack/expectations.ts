/** Connections that are expected (nf_conntrack_expect). */
import { Errno, ExpectationFlag } from '@ringlink/codec'
import type { VirtualClock } from '../clock.ts'
import type { Connection, Expectation } from './connection.ts'
import type { ConntrackReports } from './events.ts'
import { NOBODY, type Reporter } from './reporter.ts'
import type { ConntrackSettings } from './settings.ts'
import type { ConntrackStatistics } from './statistics.ts'
import { sameBytes, sameTuple, type Tuple, type Zone } from './tuple.ts'

type Mask = Expectation['mask']
const SECOND = 1000

/** All expected connections, the newest first, as packets look for them. */
export class ExpectationTable {
  readonly all: Expectation[] = []
  #settings: ConntrackSettings
  #statistics: ConntrackStatistics
  #clock: VirtualClock
  #random: () => number
  #reports: ConntrackReports

  constructor(
    settings: ConntrackSettings,
    statistics: ConntrackStatistics,
    clock: VirtualClock,
    random: () => number,
    reports: ConntrackReports,
  ) {
    this.#settings = settings
    this.#statistics = statistics
    this.#clock = clock
    this.#random = random
    this.#reports = reports
  }

  newId(): number {
    return this.#random()
  }

  /** The one that a tuple agrees with. */
  find(tuple: Tuple, zone: Zone): Expectation | undefined {
    return this.all.find((it) => agrees(it, tuple, zone))
  }

  /** The one that a new connection fulfils, taken out unless it is permanent. */
  fulfil(tuple: Tuple, zone: Zone): Expectation | undefined {
    if (this.all.length === 0) return undefined
    const found = this.all.find((it) => (it.flags & ExpectationFlag.Inactive) === 0 && agrees(it, tuple, zone))
    if (found === undefined || !found.master.isConfirmed || found.master.isDying) return undefined
    if ((found.flags & ExpectationFlag.Permanent) === 0) this.remove(found, NOBODY)
    this.#statistics.expectationNew++
    return found
  }

  /** Takes one in; 0, or a negative errno. */
  add(expectation: Expectation, reporter: Reporter): number {
    const refused = this.#check(expectation)
    if (refused !== 0) return refused
    const { master } = expectation
    this.#restart(expectation, policyOf(expectation)?.timeout ?? 0)
    master.helper?.expectations.unshift(expectation)
    this.all.unshift(expectation)
    this.#statistics.expectationCreate++
    this.#reports.expectation(expectation, false, reporter)
    return 0
  }

  remove(expectation: Expectation, reporter: Reporter): void {
    const index = this.all.indexOf(expectation)
    if (index < 0) return
    expectation.timer?.cancel()
    this.all.splice(index, 1)
    const own = expectation.master.helper?.expectations
    own?.splice(own.indexOf(expectation), 1)
    this.#reports.expectation(expectation, true, reporter)
    this.#statistics.expectationDelete++
  }

  /** Gives one that many seconds from now on. */
  renew(expectation: Expectation, seconds: number): void {
    expectation.timer?.cancel()
    this.#restart(expectation, seconds)
  }

  #restart(expectation: Expectation, seconds: number): void {
    expectation.timer = this.#clock.schedule(seconds * SECOND, () => this.remove(expectation, NOBODY))
  }

  #check(expectation: Expectation): number {
    const { master } = expectation
    for (const other of [...this.all]) {
      if (other.master === master && isSame(other, expectation)) {
        if (other.class !== expectation.class) return -Errno.EALREADY
        this.remove(other, NOBODY)
        break
      }
      if (clashes(other, expectation)) return -Errno.EBUSY
    }
    const maximum = policyOf(expectation)?.maximum ?? 0
    const ofClass = () => (master.helper?.expectations ?? []).filter((it) => it.class === expectation.class)
    if (maximum > 0 && ofClass().length >= maximum) {
      const oldest = ofClass().at(-1)
      if (oldest !== undefined) this.remove(oldest, NOBODY)
    }
    return this.all.length >= this.#settings.maximumExpectations ? -Errno.EMFILE : 0
  }
}

function policyOf({ master, class: number }: Expectation) {
  return master.helper?.helper?.policies[number]
}

function agrees({ tuple, mask, master }: Expectation, other: Tuple, zone: Zone): boolean {
  return master.zone.id === zone.id && agreesUnder(mask, tuple, other)
}

/** Whether two tuples are one where the mask looks: the source is masked, the destination is not. */
function agreesUnder({ source, sourceId }: Mask, a: Tuple, b: Tuple): boolean {
  return (
    a.family === b.family &&
    a.protocol === b.protocol &&
    a.destinationId === b.destinationId &&
    sameBytes(a.destination, b.destination) &&
    ((a.sourceId ^ b.sourceId) & sourceId) === 0 &&
    a.source.every((byte, index) => ((byte ^ (b.source[index] as number)) & (source[index] ?? 0)) === 0)
  )
}

function sameZone(a: Connection, b: Connection): boolean {
  return a.zone.id === b.zone.id
}

function isSame(a: Expectation, b: Expectation): boolean {
  return (
    sameTuple(a.tuple, b.tuple) &&
    sameBytes(a.mask.source, b.mask.source) &&
    a.mask.sourceId === b.mask.sourceId &&
    sameZone(a.master, b.master)
  )
}

function clashes(a: Expectation, b: Expectation): boolean {
  const both = {
    source: a.mask.source.map((byte, index) => byte & (b.mask.source[index] ?? 0)),
    sourceId: a.mask.sourceId & b.mask.sourceId,
  }
  return sameZone(a.master, b.master) && agreesUnder(both, a.tuple, b.tuple)
}
