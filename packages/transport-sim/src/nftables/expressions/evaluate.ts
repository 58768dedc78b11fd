/** A packet's way through the rules of a base chain and the chains that they jump to, as nft_do_chain goes it. */
import { RuleVerdict, Verdict } from '@ringlink/codec'
import { extensionFragmentOffset, extensionHeaderLength, IPV6_HEADER_LENGTH, IpProtocol } from '@ringlink/packet'
import { networkHeaderLength } from '../../internet/transit.ts'
import type { SimPacket } from '../../netfilter/packet.ts'

/** Bytes of all registers: the verdict's sixteen, which no expression can load from, then the data's. */
export const REGISTER_BYTES = 80
/** The deepest jump (`NFT_JUMP_STACK_SIZE`). */
export const MAXIMUM_JUMPS = 16

/** An expression, ready to run. */
export type Evaluate = (evaluation: Evaluation) => number

/** A chain as packets see it. */
export interface ChainProgram {
  /** the expressions of each rule */
  readonly programs: readonly (readonly Evaluate[])[]
}

/** A base chain as packets see it. */
export interface BaseChainProgram extends ChainProgram {
  readonly hook:
    | {
        /** `Verdict.Accept` or `Verdict.Drop` */
        readonly policy: number
        readonly counters: { packets: number; bytes: number } | undefined
      }
    | undefined
}

/**
 * The state of an evaluation: the registers, and the packet's properties. One object serves all packets. An expression
 * returns one of `RuleVerdict`, or a netfilter verdict with its data in the upper bits.
 */
export class Evaluation {
  readonly bytes: Uint8Array = new Uint8Array(REGISTER_BYTES)
  /** the same registers, in host order */
  readonly words: Uint32Array = new Uint32Array(this.bytes.buffer)
  readonly halves: Uint16Array = new Uint16Array(this.bytes.buffer)
  packet: SimPacket | undefined
  /** offset of the transport header; -1 if there is no readable one */
  transport = -1
  transportProtocol = 0
  /** the packet is not the first fragment: it has no transport header, though its protocol is known */
  isFragment = false
  /** of Jump and Goto */
  target: ChainProgram | undefined

  aim(packet: SimPacket): void {
    this.packet = packet
    const { bytes } = packet
    this.isFragment = false
    if ((bytes[0] as number) >> 4 === 6) {
      this.#findIpv6Transport(bytes)
      return
    }
    this.transport = networkHeaderLength(bytes)
    this.transportProtocol = bytes[9] as number
    this.isFragment = (((bytes[6] as number) & 0x1f) | (bytes[7] as number)) !== 0
  }

  /** Steps over the extension headers, as ipv6_find_hdr does: it knows fewer of them than @ringlink/packet. */
  #findIpv6Transport(bytes: Uint8Array): void {
    let at = IPV6_HEADER_LENGTH
    let protocol = bytes[6] as number
    while (isExtensionOfKernel(protocol)) {
      const size = at + 2 > bytes.length ? SHORTEST_EXTENSION : extensionHeaderLength(bytes, at, protocol)
      if (at + size > bytes.length) {
        this.transport = -1
        return
      }
      const next = bytes[at] as number
      if (protocol === IpProtocol.Fragment && extensionFragmentOffset(bytes, at) > 0) {
        this.isFragment = true
        this.transportProtocol = next
        this.transport = at
        return
      }
      protocol = next
      at += size
    }
    this.transport = protocol === IpProtocol.NoNext ? -1 : at
    this.transportProtocol = protocol
  }
}

const SHORTEST_EXTENSION = 8

/** ipv6_ext_hdr, without "no next header". */
export function isExtensionOfKernel(protocol: number): boolean {
  return (
    protocol === IpProtocol.HopByHop ||
    protocol === IpProtocol.Routing ||
    protocol === IpProtocol.Fragment ||
    protocol === IpProtocol.Authentication ||
    protocol === IpProtocol.DestinationOptions
  )
}

/** The verdict of a base chain on a packet: a rule's, or the chain's policy. */
export function runBaseChain(base: BaseChainProgram, packet: SimPacket, evaluation: Evaluation): number {
  const { hook } = base
  if (hook === undefined) return Verdict.Accept
  evaluation.aim(packet)
  const verdict = runChain(base, evaluation, 0)
  if (verdict >= 0) return verdict
  if (hook.counters !== undefined) {
    hook.counters.packets++
    hook.counters.bytes += packet.bytes.length
  }
  return hook.policy
}

/** A netfilter verdict, or `RuleVerdict.Continue` if the chain gives none. */
function runChain(start: ChainProgram, evaluation: Evaluation, depth: number): number {
  let chain = start
  for (let index = 0; index < chain.programs.length; index++) {
    const verdict = runRule(chain.programs[index] as readonly Evaluate[], evaluation)
    if (verdict === RuleVerdict.Continue || verdict === RuleVerdict.Break) continue
    if (verdict >= 0) return verdict
    if (verdict === RuleVerdict.Return) return RuleVerdict.Continue
    const target = evaluation.target as ChainProgram
    if (verdict === RuleVerdict.Goto) {
      chain = target
      index = -1
    } else {
      // Chains that jump too deep, or round and round, are refused when they are made.
      const given = depth < MAXIMUM_JUMPS ? runChain(target, evaluation, depth + 1) : Verdict.Drop
      if (given >= 0) return given
    }
  }
  return RuleVerdict.Continue
}

function runRule(program: readonly Evaluate[], evaluation: Evaluation): number {
  for (let i = 0; i < program.length; i++) {
    const outcome = (program[i] as Evaluate)(evaluation)
    if (outcome !== RuleVerdict.Continue) return outcome
  }
  return RuleVerdict.Continue
}
