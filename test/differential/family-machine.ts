import { setTimeout } from 'node:timers/promises'
import { type NetlinkFamily, openFamily } from '@ringlink/client'
import { netdev } from '@ringlink/families/netdev'
import { rtAddr } from '@ringlink/families/rt-addr'
import { type LinkAttributes, rtLink } from '@ringlink/families/rt-link'
import { Namespace } from '@ringlink/test-support/namespace'
import type { Transport } from '@ringlink/transport'
import { Refusal, SimKernel } from '@ringlink/transport-sim'
import { openSocket } from '@ringlink/transport-socket'

/** How a socket of a script is opened. */
export interface FamilySocketOptions {
  readonly protocol: number
  readonly groups: readonly number[]
  readonly strictChecking: boolean
}

/** A kernel under test. */
export interface FamilyMachine extends AsyncDisposable {
  open(options: FamilySocketOptions): Promise<Transport>
  /** the number of a generic family */
  familyId(name: string): number
  /** waits for what the kernel does later by itself */
  settle(): Promise<void>
  /** waits until no address is left that has a time to live */
  expire(): Promise<void>
}

const OPTIONS = { frameSize: 70_000, batchSize: 16 } as const
const ENODEV = 19
const IFF_UP = 1
const SETTINGS =
  'for name in accept_dad dad_transmits router_solicitations; do echo 0 > default/$name; done; echo 0 > all/accept_dad'
/** IFA_F_TENTATIVE */
const TENTATIVE = 0x40
/** IFA_F_PERMANENT */
const PERMANENT = 0x80
/** Milliseconds; a tick of `USER_HZ` is 10. */
const TWO_TICKS = 20
/** Milliseconds: longer than addresses of scripts live that are to expire. */
const LONGEST_LIFE = 10_000

/** The simulated one, with a family like the kernel's netdev: it has the loopback device. */
export class FamilySimMachine implements FamilyMachine {
  readonly kernel: SimKernel = new SimKernel({ seed: 1 })
  readonly #netdev = this.kernel.registerFamily(netdev, {
    devGet: {
      accepts: ['ifindex'],
      dumpAccepts: [],
      do: ({ ifindex }) => {
        if (ifindex === undefined) throw new Refusal(22, { missing: 'ifindex' })
        if (ifindex !== 1) throw new Refusal(ENODEV)
        return LOOPBACK
      },
      dump: () => [LOOPBACK],
    },
  })

  /** One whose loopback device is up. */
  static async make(): Promise<FamilySimMachine> {
    const machine = new FamilySimMachine()
    await using links = await openFamily(rtLink, { transport: (needs) => machine.kernel.open(needs) })
    await links.do('newlink', { header: { index: 1, flags: IFF_UP, change: IFF_UP } })
    return machine
  }

  async open(options: FamilySocketOptions): Promise<Transport> {
    return this.kernel.open({ ...OPTIONS, ...options })
  }

  familyId(name: string): number {
    return name === 'netdev' ? this.#netdev.id : 0xfff0
  }

  async settle(): Promise<void> {}

  async expire(): Promise<void> {
    this.kernel.clock.advance(LONGEST_LIFE)
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const LOOPBACK = { ifindex: 1, xdpFeatures: 0n, xdpRxMetadataFeatures: 0n, xskFeatures: 0n } as const

/** The real one, in a network namespace of its own. */
export class FamilyRealMachine implements FamilyMachine {
  readonly #namespace: Namespace
  readonly #families: ReadonlyMap<string, number>

  readonly #links: NetlinkFamily<typeof rtLink>
  readonly #addresses: NetlinkFamily<typeof rtAddr>

  private constructor(
    namespace: Namespace,
    families: ReadonlyMap<string, number>,
    links: NetlinkFamily<typeof rtLink>,
    addresses: NetlinkFamily<typeof rtAddr>,
  ) {
    this.#namespace = namespace
    this.#families = families
    this.#links = links
    this.#addresses = addresses
  }

  /** @param families the generic families whose numbers a script needs */
  static async make(families: readonly string[] = []): Promise<FamilyRealMachine> {
    const namespace = await Namespace.open()
    // Addresses are not tested for duplicates, and nobody asks for routers: nothing depends on time.
    await namespace.run('sh', '-c', `cd /proc/sys/net/ipv6/conf; ${SETTINGS}`)
    const links = await openFamily(rtLink, {
      transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
    })
    const numbers = new Map<string, number>()
    if (families.includes('netdev')) {
      await using family = await openFamily(netdev, { transport: openSocket })
      numbers.set('netdev', family.id ?? 0)
    }
    const addresses = await openFamily(rtAddr, {
      transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
    })
    return new FamilyRealMachine(namespace, numbers, links, addresses)
  }

  open(options: FamilySocketOptions): Promise<Transport> {
    return openSocket({ ...OPTIONS, ...options, networkNamespace: this.#namespace.path })
  }

  familyId(name: string): number {
    return this.#families.get(name) ?? 0xfff0
  }

  /**
   * A request for one link makes the kernel see to its state, on which that of its bridge depends; an address that is
   * tentative has yet to be announced.
   */
  async settle(): Promise<void> {
    const isBridge = ({ linkinfo }: LinkAttributes) => linkinfo?.kind === 'bridge'
    const links = await this.#links.dump('getlink')
    for (const { header } of [...links.filter((it) => !isBridge(it)), ...links.filter(isBridge)])
      await this.#links.do('getlink', { header: { index: header.index } })
    while ((await this.#addresses.dump('getaddr')).some(({ flags = 0 }) => (flags & TENTATIVE) !== 0));
  }

  async expire(): Promise<void> {
    while ((await this.#addresses.dump('getaddr')).some(({ flags = 0 }) => (flags & PERMANENT) === 0));
    // What is less than a tick over shows 0, as what has no end does.
    await setTimeout(TWO_TICKS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#links.close()
    await this.#addresses.close()
    await this.#namespace.close()
  }
}
