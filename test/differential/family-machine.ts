import { openFamily } from '@ringlink/client'
import { netdev } from '@ringlink/families/netdev'
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
}

const OPTIONS = { frameSize: 70_000, batchSize: 16 } as const
const ENODEV = 19

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

  async open(options: FamilySocketOptions): Promise<Transport> {
    return this.kernel.open({ ...OPTIONS, ...options })
  }

  familyId(name: string): number {
    return name === 'netdev' ? this.#netdev.id : 0xfff0
  }

  async settle(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

const LOOPBACK = { ifindex: 1, xdpFeatures: 0n, xdpRxMetadataFeatures: 0n, xskFeatures: 0n } as const

/** The real one, in a network namespace of its own. */
export class FamilyRealMachine implements FamilyMachine {
  readonly #namespace: Namespace
  readonly #families: ReadonlyMap<string, number>

  private constructor(namespace: Namespace, families: ReadonlyMap<string, number>) {
    this.#namespace = namespace
    this.#families = families
  }

  static async make(): Promise<FamilyRealMachine> {
    const namespace = await Namespace.open()
    await using family = await openFamily(netdev, { transport: openSocket })
    return new FamilyRealMachine(namespace, new Map([['netdev', family.id ?? 0]]))
  }

  open(options: FamilySocketOptions): Promise<Transport> {
    return openSocket({ ...OPTIONS, ...options, networkNamespace: this.#namespace.path })
  }

  familyId(name: string): number {
    return this.#families.get(name) ?? 0xfff0
  }

  async settle(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespace.close()
  }
}
