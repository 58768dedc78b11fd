/**
 * Expressions that end a packet's way, or what passes in all: reject, quota; and objref, which counts in a counter with
 * a name.
 */
import {
  Errno,
  expressionTables,
  Family,
  Hook,
  MatchFlag,
  NfTablesObjectType,
  RejectType,
  RuleVerdict,
  Verdict,
} from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import type { SimPacket } from '../../netfilter/packet.ts'
import { policyOf, u8, u32, u64 } from '../../netlink/attribute-policy.ts'
import { NAME } from '../numbers.ts'
import type { NfTablesChain } from '../ruleset.ts'
import { type ExpressionKind, isIpFamily } from './expression.ts'

const { Break, Continue } = RuleVerdict

const REJECT = attributeNumbers(expressionTables.reject)
/** NFT_REJECT_ICMPX_MAX */
const LAST_ICMPX = 3
const IP_HOOKS: readonly number[] = [Hook.Prerouting, Hook.Input, Hook.Forward, Hook.Output]

/** Expression `reject`. The packet is dropped; nobody is told, as the simulated kernel sends nothing of its own. */
export const reject: ExpressionKind = {
  name: 'reject',
  policy: policyOf(expressionTables.reject, { type: u32, icmpCode: u8 }),
  make: (attributes, { table }) => {
    if (!attributes.has(REJECT.type)) return -Errno.EINVAL
    const type = attributes.be32(REJECT.type)
    if (type > RejectType.IcmpxUnreachable) return -Errno.EINVAL
    if (type !== RejectType.TcpReset && !attributes.has(REJECT.icmpCode)) return -Errno.EINVAL
    const code = attributes.has(REJECT.icmpCode) ? attributes.u8(REJECT.icmpCode) : 0
    const isAny = type === RejectType.IcmpxUnreachable
    if (isAny && (table.family === Family.Ipv4 || table.family === Family.Ipv6 || code > LAST_ICMPX))
      return -Errno.EINVAL
    return {
      name: 'reject',
      validate: ({ hook, table: { family } }: NfTablesChain) =>
        isIpFamily(family) && hook !== undefined && !IP_HOOKS.includes(hook.number) ? -Errno.EOPNOTSUPP : 0,
      evaluate: () => Verdict.Drop,
      dump: (reply) => {
        reply.be32(REJECT.type, type)
        reply.u8(REJECT.icmpCode, code)
      },
    }
  },
}

const QUOTA = attributeNumbers(expressionTables.quota)
/** NFT_QUOTA_F_DEPLETED */
const DEPLETED = 2

/** Expression `quota`. */
export const quota: ExpressionKind = {
  name: 'quota',
  policy: policyOf(expressionTables.quota, { bytes: u64, flags: u32, consumed: u64 }),
  make: (attributes) => {
    if (!attributes.has(QUOTA.bytes)) return -Errno.EINVAL
    const limit = attributes.be64(QUOTA.bytes)
    if (limit > 0x7fff_ffff_ffff_ffffn) return -Errno.EOVERFLOW
    const flags = attributes.has(QUOTA.flags) ? attributes.be32(QUOTA.flags) : 0
    if ((flags & ~MatchFlag.Invert) !== 0) return flags === DEPLETED ? -Errno.EOPNOTSUPP : -Errno.EINVAL
    const all = Number(limit)
    let consumed = attributes.has(QUOTA.consumed) ? Number(attributes.be64(QUOTA.consumed)) : 0
    const isInverted = flags === MatchFlag.Invert
    return {
      name: 'quota',
      evaluate: ({ packet }) => {
        consumed += (packet as SimPacket).bytes.length
        return consumed > all === isInverted ? Continue : Break
      },
      dump: (reply, reset) => {
        reply.be64(QUOTA.bytes, limit)
        reply.be64(QUOTA.consumed, Math.min(consumed, all))
        reply.be32(QUOTA.flags, flags | (consumed >= all ? DEPLETED : 0))
        if (reset) consumed = 0
      },
    }
  },
}

const OBJREF = attributeNumbers(expressionTables.objref)

/** Expression `objref`, to a counter. */
export const objref: ExpressionKind = {
  name: 'objref',
  policy: policyOf(expressionTables.objref, {
    type: u32,
    name: NAME,
    setSourceRegister: u32,
    setName: NAME,
    setId: u32,
  }),
  select: (attributes) => {
    if (attributes.has(OBJREF.setSourceRegister)) return -Errno.EOPNOTSUPP
    return attributes.has(OBJREF.type) && attributes.has(OBJREF.name) ? 0 : -Errno.EOPNOTSUPP
  },
  make: (attributes, { table }) => {
    const name = attributes.text(OBJREF.name)
    const type = attributes.be32(OBJREF.type)
    const object = table.objects.find((it) => it.name === name && type === NfTablesObjectType.Counter)
    if (object === undefined) return -Errno.ENOENT
    return {
      name: 'objref',
      object,
      evaluate: ({ packet }) => {
        object.packets++
        object.bytes += (packet as SimPacket).bytes.length
        return Continue
      },
      dump: (reply) => {
        reply.be32(OBJREF.type, type)
        reply.text(OBJREF.name, name)
      },
    }
  },
}
