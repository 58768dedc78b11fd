/** How long addresses live: they are preferred first, then deprecated, then removed. */
import type { VirtualClock, VirtualTimer } from '../clock.ts'
import { type Address, AddressFlag } from './address.ts'
import { FOREVER, type Lifetime } from './lifetime.ts'

/** What becomes of an address: its time is over, or it is no longer preferred. */
type Fate = (address: Address, isOver: boolean) => void

export class Lifetimes {
  readonly #clock: VirtualClock
  readonly #fate: Fate
  readonly #timers = new Map<Address, VirtualTimer>()

  constructor(clock: VirtualClock, fate: Fate) {
    this.#clock = clock
    this.#fate = fate
  }

  get now(): number {
    return this.#clock.now
  }

  /** Gives an address the lifetime that it has from now on, and the flags that follow from it. */
  start(address: Address, { preferred, valid }: Omit<Lifetime, 'since'>): void {
    this.stop(address)
    address.lifetime = { preferred, valid, since: this.#clock.now }
    address.flags &= ~(AddressFlag.Permanent | AddressFlag.Deprecated)
    if (valid === FOREVER) address.flags |= AddressFlag.Permanent
    if (preferred === 0) address.flags |= AddressFlag.Deprecated
    this.#watch(address)
  }

  /** Forgets an address that is gone. */
  stop(address: Address): void {
    this.#timers.get(address)?.cancel()
    this.#timers.delete(address)
  }

  #watch(address: Address): void {
    const { lifetime, flags } = address
    if (lifetime === undefined) return
    const isPreferred = (flags & AddressFlag.Deprecated) === 0 && lifetime.preferred !== lifetime.valid
    const seconds = isPreferred ? lifetime.preferred : lifetime.valid
    if (seconds === FOREVER) return
    const delay = lifetime.since + seconds * 1000 - this.#clock.now
    const timer = this.#clock.schedule(delay, () => {
      this.#timers.delete(address)
      if (isPreferred) {
        address.flags |= AddressFlag.Deprecated
        this.#watch(address)
      }
      this.#fate(address, !isPreferred)
    })
    this.#timers.set(address, timer)
  }
}
