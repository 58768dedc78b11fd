import { errnoName } from '@ringlink/codec/errors'
import { integer, type Members, object, oneOf, readOptions, type Schema } from '@ringlink/codec/options'
import { type Transport, TransportError } from '@ringlink/transport'
import { openNetlinkRing } from './netlink/open.ts'
import { type NetlinkRingOptions, netlinkRingMembers } from './netlink/options.ts'
import { netlinkRingRefusal, probeNetlinkRing } from './netlink/probe.ts'
import type { RingProbe } from './probe.ts'
import { openUring } from './uring/open-uring.ts'
import { type UringOptions, uringMembers } from './uring/options.ts'
import { UringProbes, type UringRefusal, uringRefusal } from './uring/probe.ts'

/** Options of `openRing`. Sizes are bytes; defaults follow from the use and the back end. */
export interface RingOptions
  extends Omit<NetlinkRingOptions, 'frames' | 'batchSize'>,
    Omit<UringOptions, 'frames' | 'batchSize'> {
  /**
   * the kind of memory: `netlink` for netlink's own rings (Linux 3.10 to 4.5), `uring` for io_uring (6.0 and newer);
   * `auto`, the default, for the first that is available
   */
  readonly backend?: 'auto' | 'netlink' | 'uring' | undefined
  /**
   * frames that the kernel fills, and that can be live or held at one time; io_uring uses the next power of two, at
   * most 32768
   */
  readonly frames?: number | undefined
  /** frames in one batch; default 256, and no more than a quarter of the frames */
  readonly batchSize?: number | undefined
}

/** No memory-mapped ring is available here: {@link probes} lists what was tried, why it failed, and what to do. */
export class RingUnsupportedError extends TransportError {
  declare readonly code: 'RING_UNSUPPORTED'
  readonly probes: readonly RingProbe[]

  constructor(probes: readonly RingProbe[]) {
    super('RING_UNSUPPORTED', 'open ring', `none is available; ${probes.map(describe).join('; ')}`)
    this.name = 'RingUnsupportedError'
    this.probes = probes
  }
}

/** The back ends, in order of preference. */
export interface RingBackend {
  readonly backend: RingProbe['backend']
  /** why it does not work; `undefined` if it works */
  probe(options: RingOptions): Promise<RingProbe | undefined>
  open(options: RingOptions): Promise<Transport>
  /** why {@link open} failed although the probe worked; `undefined` if the error is not about rings */
  refusal(error: unknown): RingProbe | undefined
}

const LARGEST_URING = 32768
const uringProbes = new UringProbes()

/** The members of a ring's options, for functions that open one of several transports. */
export const ringMembers: Members<RingOptions> = {
  ...netlinkRingMembers,
  ...uringMembers,
  backend: oneOf('auto', 'netlink', 'uring'),
  frames: integer(1, 65536),
  batchSize: integer(1, 65536),
}
const ringOptions: Schema<RingOptions> = object<RingOptions>(ringMembers)

/** The options of a back end. */
function optionsFor<Options>(members: Members<Options>, options: RingOptions): Options {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(members, name))) as Options
}

const backends: readonly RingBackend[] = [
  {
    backend: 'netlink',
    probe: async () => probeNetlinkRing(),
    open: (options) => openNetlinkRing(optionsFor(netlinkRingMembers, options)),
    refusal: netlinkRingRefusal,
  },
  {
    backend: 'uring',
    async probe({ kernelThread = false }) {
      const probe = await uringProbes.ask(kernelThread)
      return probe.works ? undefined : ringProbe(probe)
    },
    open: async (options) => {
      const { frames, ...others } = optionsFor(uringMembers, options)
      return openUring({ ...others, frames: frames === undefined ? undefined : powerOfTwo(frames) })
    },
    refusal(error) {
      const refusal = uringRefusal(error)
      return refusal === undefined ? undefined : ringProbe(refusal)
    },
  },
]

/**
 * Opens a transport over memory that the kernel fills. Rejects with code `RING_UNSUPPORTED` ({@link
 * RingUnsupportedError}) if no ring works or none can be set up (`ulimit -l`); with `ARGUMENT` and `VALUE_RANGE` for an
 * invalid option (`OptionError`), the reason of an aborted signal, `SYSTEM`, and the codes of `@ringlink/native`.
 */
export function openRing(options: RingOptions): Promise<Transport> {
  return openRingOn(backends, options)
}

/** As {@link openRing}, with the given back ends. */
export async function openRingOn(all: readonly RingBackend[], given: RingOptions): Promise<Transport> {
  const { signal, ...options } = readOptions('open ring', ringOptions, given)
  const { backend = 'auto' } = options
  const candidates = backend === 'auto' ? all : all.filter((candidate) => candidate.backend === backend)
  const refusals: RingProbe[] = []
  for (const candidate of candidates) {
    signal?.throwIfAborted()
    const opened = await tryBackend(candidate, options)
    if (!('explanation' in opened)) {
      if (signal?.aborted === true) await opened.close()
      signal?.throwIfAborted()
      return opened
    }
    refusals.push(opened)
  }
  throw new RingUnsupportedError(refusals)
}

async function tryBackend(candidate: RingBackend, options: RingOptions): Promise<Transport | RingProbe> {
  const probe = await candidate.probe(options)
  if (probe !== undefined) return probe
  try {
    return await candidate.open(options)
  } catch (error) {
    const refusal = candidate.refusal(error)
    if (refusal === undefined) throw error
    return refusal
  }
}

function ringProbe({ step, errno, reason }: UringRefusal): RingProbe {
  return { backend: 'uring', step, errno, explanation: reason }
}

function describe({ backend, step, errno, explanation }: RingProbe): string {
  const reason =
    errno === 0 || explanation.startsWith(errnoName(errno)) ? explanation : `${errnoName(errno)}: ${explanation}`
  return `${backend}: ${step}: ${reason}`
}

/** The next power of two from `frames` on; values out of bounds are checked later. */
function powerOfTwo(frames: number): number {
  return frames > 1 && frames <= LARGEST_URING ? 2 ** Math.ceil(Math.log2(frames)) : frames
}
