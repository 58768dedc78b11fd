// SPDX-License-Identifier: MIT
//
// Turns the records of queue.c, log.c, nftables.mjs and conntrack.mjs into annotated vectors. This is a decoder of its
// own: it shares nothing with packages/codec, so that the two can be held against each other.
//
//   node annotate.mjs queue.raw.txt ../queue
//   node annotate.mjs log.raw.txt ../log
//   node annotate.mjs nftables.raw.txt ../nftables
//   node annotate.mjs conntrack.raw.txt ../conntrack

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// The first block says when and where; every further one is a message.
function readBlocks(text) {
  return text
    .split(/\n\s*\n/)
    .filter((block) => block.trim())
    .map((block) =>
      Object.fromEntries(
        block
          .split('\n')
          .filter(Boolean)
          .map((line) => line.split(/: (.*)/s).slice(0, 2)),
      ),
    )
    .map((block) => (block.hex ? { ...block, bytes: Buffer.from(block.hex, 'hex') } : block))
}

export const readRecords = (text) => readBlocks(text).slice(1)

// ------------------------------------------------------------------------------------------------------------- names

const bits = (table) => (value) => {
  const names = []
  let rest = value
  for (const [bit, name] of table) {
    if ((value & bit) !== 0) {
      names.push(name)
      rest &= ~bit
    }
  }
  if (rest !== 0) names.push(`0x${(rest >>> 0).toString(16)}`)
  return names.length ? names.join(' | ') : '0'
}

const errno = {
  1: 'EPERM',
  2: 'ENOENT',
  11: 'EAGAIN',
  16: 'EBUSY',
  17: 'EEXIST',
  19: 'ENODEV',
  22: 'EINVAL',
  34: 'ERANGE',
  95: 'EOPNOTSUPP',
  524: "ENOTSUPP (the kernel's own, no errno of user space)",
}
const family = {
  0: 'AF_UNSPEC',
  1: 'NFPROTO_INET',
  2: 'AF_INET',
  3: 'NFPROTO_ARP',
  5: 'NFPROTO_NETDEV',
  7: 'AF_BRIDGE (NFPROTO_BRIDGE)',
  10: 'AF_INET6',
}
const hooks = ['PRE_ROUTING', 'LOCAL_IN', 'FORWARD', 'LOCAL_OUT', 'POST_ROUTING', 'INGRESS']
const hooksOf = { 3: ['ARP_IN', 'ARP_OUT', 'ARP_FORWARD'], 5: ['NETDEV_INGRESS', 'NETDEV_EGRESS'] }
const copyModes = ['NFQNL_COPY_NONE', 'NFQNL_COPY_META', 'NFQNL_COPY_PACKET']
const configCommands = ['NONE', 'BIND', 'UNBIND', 'PF_BIND', 'PF_UNBIND'].map((name) => `NFQNL_CFG_CMD_${name}`)
const configFlags = bits([
  [1, 'FAIL_OPEN'],
  [2, 'CONNTRACK'],
  [4, 'GSO'],
  [8, 'UID_GID'],
  [16, 'SECCTX'],
])
const skbInfo = bits([
  [1, 'NFQA_SKB_CSUMNOTREADY'],
  [2, 'NFQA_SKB_GSO'],
  [4, 'NFQA_SKB_CSUM_NOTVERIFIED'],
])
const ctInfo = {
  0: 'IP_CT_ESTABLISHED',
  1: 'IP_CT_RELATED',
  2: 'IP_CT_NEW',
  3: 'IP_CT_ESTABLISHED_REPLY',
  4: 'IP_CT_RELATED_REPLY',
}
const ctStatus = bits(
  [
    'EXPECTED',
    'SEEN_REPLY',
    'ASSURED',
    'CONFIRMED',
    'SRC_NAT',
    'DST_NAT',
    'SEQ_ADJUST',
    'SRC_NAT_DONE',
    'DST_NAT_DONE',
    'DYING',
    'FIXED_TIMEOUT',
    'TEMPLATE',
    'NAT_CLASH',
    'HELPER',
    'OFFLOAD',
    'HW_OFFLOAD',
  ].map((name, bit) => [1 << bit, `IPS_${name}`]),
)
const ipProtocol = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 47: 'GRE', 58: 'ICMPv6', 132: 'SCTP' }
const tcpStates = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
]
const policyTypes = [
  'INVALID',
  'FLAG',
  'U8',
  'U16',
  'U32',
  'U64',
  'S8',
  'S16',
  'S32',
  'S64',
  'BINARY',
  'STRING',
  'NUL_STRING',
  'NESTED',
  'NESTED_ARRAY',
  'BITFIELD32',
  'SINT',
  'UINT',
]

const requestFlags = bits([
  [1, 'NLM_F_REQUEST'],
  [2, 'NLM_F_MULTI'],
  [4, 'NLM_F_ACK'],
  [8, 'NLM_F_ECHO'],
  [16, 'NLM_F_DUMP_INTR'],
  [32, 'NLM_F_DUMP_FILTERED'],
  [0x100, 'NLM_F_ROOT'],
  [0x200, 'NLM_F_MATCH'],
  [0x400, 'NLM_F_CREATE'],
  [0x800, 'NLM_F_APPEND'],
])
const createFlags = bits([
  [1, 'NLM_F_REQUEST'],
  [2, 'NLM_F_MULTI'],
  [4, 'NLM_F_ACK'],
  [0x200, 'NLM_F_EXCL'],
  [0x400, 'NLM_F_CREATE'],
])
const answerFlags = bits([
  [1, 'NLM_F_REQUEST'],
  [2, 'NLM_F_MULTI'],
  [4, 'NLM_F_ACK'],
  [0x100, 'NLM_F_CAPPED'],
  [0x200, 'NLM_F_ACK_TLVS'],
])

// ---------------------------------------------------------------------------------------------------- values of
// attributes A value is a function (out, bytes, attribute name) that puts the lines of one attribute's content.

const hex = (n, width = 0) => `0x${n.toString(16).padStart(width, '0')}`
const text = (bytes) => JSON.stringify(bytes.toString('latin1').replace(/\0+$/, '')).replace(/[^\x20-\x7e]/g, '.')
const number =
  (width, read, say = (n) => `${n}`) =>
  (out, b, name) =>
    b.length === width
      ? out.put(b, `${name} ${say(read(b))}`)
      : out.put(b, `${name}: ${b.length} bytes where ${width} belong`)
const u8 = (say) => number(1, (b) => b[0], say)
const be16 = (say) => number(2, (b) => b.readUInt16BE(0), say)
const be32 = (say) => number(4, (b) => b.readUInt32BE(0), say)
const be64 = (say) => number(8, (b) => b.readBigUInt64BE(0), say)
const u32 = (say) => number(4, (b) => b.readUInt32LE(0), say)
const u64 = (say) => number(8, (b) => b.readBigUInt64LE(0), say)
const mark = be32((n) => hex(n))
const string = (out, b, name) => out.put(b, `${name} ${text(b)}`)
const raw = (out, b, name) => out.put(b, name)
const nested = (table) => Object.assign((out, b) => attributes(out.deeper(), b, table), { nests: true })
const colons = (b) => [...b].map((n) => n.toString(16).padStart(2, '0')).join(':')
const ipv4 = (b) => [...b].join('.')
const ipv6 = (b) => {
  const words = Array.from({ length: 8 }, (_, i) => b.readUInt16BE(i * 2).toString(16)).join(':')
  return words === '0:0:0:0:0:0:0:1' ? '::1' : words
}
const fields =
  (...parts) =>
  (out, b, name) => {
    const need = parts.reduce((sum, [width]) => sum + width, 0)
    if (b.length !== need) return out.put(b, `${name}: ${b.length} bytes where ${need} belong`)
    let at = 0
    for (const [width, say] of parts) {
      const part = b.subarray(at, at + width)
      out.put(part, typeof say === 'string' ? say : say(part))
      at += width
    }
  }

function sayVerdict(b) {
  const v = b.readUInt32BE(0)
  const code =
    ['NF_DROP', 'NF_ACCEPT', 'NF_STOLEN', 'NF_QUEUE', 'NF_REPEAT', 'NF_STOP'][v & 0xff] ?? `unknown verdict ${v & 0xff}`
  if ((v & 0xff) === 3) return `verdict ${code}, queue ${v >>> 16}${v & 0x8000 ? ', NF_VERDICT_FLAG_QUEUE_BYPASS' : ''}`
  if ((v & 0xff) === 0 && v >>> 16) return `verdict ${code}, errno ${v >>> 16} ${errno[v >>> 16] ?? ''}`
  return `verdict ${code}`
}

function payload(out, b, name) {
  let say = `${b.length} bytes`
  if (b[0] >> 4 === 4 && b.length >= 20) {
    const ends = (at) => (b.length >= at + 4 ? [`:${b.readUInt16BE(at)}`, `:${b.readUInt16BE(at + 2)}`] : ['', ''])
    const [from, to] = b[9] === 1 ? ['', ''] : ends(20)
    say += `: IPv4 ${ipProtocol[b[9]] ?? b[9]} ${ipv4(b.subarray(12, 16))}${from} > ${ipv4(b.subarray(16, 20))}${to}`
    if (b[9] === 17 && b.length > 28) say += ` ${text(b.subarray(28))}`
  } else if (b[0] >> 4 === 6 && b.length >= 40) {
    const [from, to] = b[6] === 58 ? ['', ''] : [`:${b.readUInt16BE(40)}`, `:${b.readUInt16BE(42)}`]
    say += `: IPv6 ${ipProtocol[b[6]] ?? b[6]} ${ipv6(b.subarray(8, 24))}${from} > ${ipv6(b.subarray(24, 40))}${to}`
    if (b[6] === 17 && b.length > 48) say += ` ${text(b.subarray(48))}`
  } else if (b.length >= 28 && b.readUInt16BE(0) === 1) {
    say += ': ARP'
  }
  out.put(b, `${name} ${say}`)
}

// ------------------------------------------------------------------------------------------------------ attribute
// tables

const CTA_IP = {
  1: ['CTA_IP_V4_SRC', number(4, (b) => b, ipv4)],
  2: ['CTA_IP_V4_DST', number(4, (b) => b, ipv4)],
  3: ['CTA_IP_V6_SRC', number(16, (b) => b, ipv6)],
  4: ['CTA_IP_V6_DST', number(16, (b) => b, ipv6)],
}
const CTA_PROTO = {
  1: ['CTA_PROTO_NUM', u8((n) => `${n} ${ipProtocol[n] ?? ''}`)],
  2: ['CTA_PROTO_SRC_PORT', be16()],
  3: ['CTA_PROTO_DST_PORT', be16()],
  4: ['CTA_PROTO_ICMP_ID', be16((n) => hex(n))],
  5: ['CTA_PROTO_ICMP_TYPE', u8()],
  6: ['CTA_PROTO_ICMP_CODE', u8()],
  7: ['CTA_PROTO_ICMPV6_ID', be16((n) => hex(n))],
  8: ['CTA_PROTO_ICMPV6_TYPE', u8()],
  9: ['CTA_PROTO_ICMPV6_CODE', u8()],
}
const CTA_TUPLE = {
  1: ['CTA_TUPLE_IP', nested(CTA_IP)],
  2: ['CTA_TUPLE_PROTO', nested(CTA_PROTO)],
  3: ['CTA_TUPLE_ZONE', be16()],
}
const tcpFlags = fields([1, (b) => `flags ${hex(b[0])}`], [1, (b) => `mask ${hex(b[0])}`])
const CTA_PROTOINFO_TCP = {
  1: ['CTA_PROTOINFO_TCP_STATE', u8((n) => `${n} ${tcpStates[n] ?? ''}`)],
  2: ['CTA_PROTOINFO_TCP_WSCALE_ORIGINAL', u8()],
  3: ['CTA_PROTOINFO_TCP_WSCALE_REPLY', u8()],
  4: ['CTA_PROTOINFO_TCP_FLAGS_ORIGINAL', tcpFlags],
  5: ['CTA_PROTOINFO_TCP_FLAGS_REPLY', tcpFlags],
}
const sctpStates = [
  'NONE',
  'CLOSED',
  'COOKIE_WAIT',
  'COOKIE_ECHOED',
  'ESTABLISHED',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
  'HEARTBEAT_SENT',
]
const CTA_PROTOINFO_SCTP = {
  1: ['CTA_PROTOINFO_SCTP_STATE', u8((n) => `${n} ${sctpStates[n] ?? ''}`)],
  2: ['CTA_PROTOINFO_SCTP_VTAG_ORIGINAL', be32((n) => hex(n))],
  3: ['CTA_PROTOINFO_SCTP_VTAG_REPLY', be32((n) => hex(n))],
}
const CTA_NAT = {
  1: ['CTA_NAT_V4_MINIP', (out, b, name) => out.put(b, `${name} ${ipv4(b)}`)],
  2: ['CTA_NAT_V4_MAXIP', (out, b, name) => out.put(b, `${name} ${ipv4(b)}`)],
  3: ['CTA_NAT_PROTO', nested({ 1: ['CTA_PROTONAT_PORT_MIN', be16()], 2: ['CTA_PROTONAT_PORT_MAX', be16()] })],
}
const CTA_COUNTERS = { 1: ['CTA_COUNTERS_PACKETS', be64()], 2: ['CTA_COUNTERS_BYTES', be64()] }
const CTA = {
  1: ['CTA_TUPLE_ORIG', nested(CTA_TUPLE)],
  2: ['CTA_TUPLE_REPLY', nested(CTA_TUPLE)],
  3: ['CTA_STATUS', be32((n) => `${hex(n)} ${ctStatus(n)}`)],
  4: [
    'CTA_PROTOINFO',
    nested({
      1: ['CTA_PROTOINFO_TCP', nested(CTA_PROTOINFO_TCP)],
      3: ['CTA_PROTOINFO_SCTP', nested(CTA_PROTOINFO_SCTP)],
    }),
  ],
  5: ['CTA_HELP', nested({ 1: ['CTA_HELP_NAME', string], 2: ['CTA_HELP_INFO', raw] })],
  6: ['CTA_NAT_SRC', nested(CTA_NAT)],
  7: ['CTA_TIMEOUT', be32((n) => `${n} s`)],
  8: ['CTA_MARK', mark],
  9: ['CTA_COUNTERS_ORIG', nested(CTA_COUNTERS)],
  10: ['CTA_COUNTERS_REPLY', nested(CTA_COUNTERS)],
  11: ['CTA_USE', be32()],
  12: ['CTA_ID', be32((n) => hex(n))],
  13: ['CTA_NAT_DST', nested(CTA_NAT)],
  18: ['CTA_ZONE', be16()],
  20: ['CTA_TIMESTAMP', nested({ 1: ['CTA_TIMESTAMP_START', be64()], 2: ['CTA_TIMESTAMP_STOP', be64()] })],
  21: ['CTA_MARK_MASK', mark],
  22: ['CTA_LABELS', raw],
  23: ['CTA_LABELS_MASK', raw],
  25: ['CTA_FILTER', nested({ 1: ['CTA_FILTER_ORIG_FLAGS', u32()], 2: ['CTA_FILTER_REPLY_FLAGS', u32()] })],
  26: ['CTA_STATUS_MASK', be32((n) => `${hex(n)} ${ctStatus(n)}`)],
}
const CTA_STATS = Object.fromEntries(
  [
    ...['SEARCHED', 'FOUND', 'NEW', 'INVALID', 'IGNORE', 'DELETE', 'DELETE_LIST', 'INSERT', 'INSERT_FAILED', 'DROP'],
    ...['EARLY_DROP', 'ERROR', 'SEARCH_RESTART', 'CLASH_RESOLVE', 'CHAIN_TOOLONG'],
  ].map((name, index) => [index + 1, [`CTA_STATS_${name}`, be32()]]),
)
const CTA_STATS_GLOBAL = { 1: ['CTA_STATS_GLOBAL_ENTRIES', be32()], 2: ['CTA_STATS_GLOBAL_MAX_ENTRIES', be32()] }
const conntrackTables = { 4: CTA_STATS, 5: CTA_STATS_GLOBAL }
const CTA_EXPECT = {
  1: ['CTA_EXPECT_MASTER', nested(CTA_TUPLE)],
  2: ['CTA_EXPECT_TUPLE', nested(CTA_TUPLE)],
  3: ['CTA_EXPECT_MASK', nested(CTA_TUPLE)],
  4: ['CTA_EXPECT_TIMEOUT', be32((n) => `${n} s`)],
  5: ['CTA_EXPECT_ID', be32((n) => hex(n))],
  6: ['CTA_EXPECT_HELP_NAME', string],
  7: ['CTA_EXPECT_ZONE', be16()],
  8: ['CTA_EXPECT_FLAGS', be32()],
  9: ['CTA_EXPECT_CLASS', be32()],
}
const NFQA = {
  1: [
    'NFQA_PACKET_HDR',
    fields(
      [4, (b) => `packet_id ${b.readUInt32BE(0)}`],
      [2, (b) => `hw_protocol ${hex(b.readUInt16BE(0), 4)}`],
      [1, (b) => `hook ${b[0]} ${hooks[b[0]] ?? ''}`],
    ),
  ],
  2: ['NFQA_VERDICT_HDR', fields([4, sayVerdict], [4, (b) => `id ${b.readUInt32BE(0)}`])],
  3: ['NFQA_MARK', mark],
  4: ['NFQA_TIMESTAMP', fields([8, (b) => `sec ${b.readBigUInt64BE(0)}`], [8, (b) => `usec ${b.readBigUInt64BE(0)}`])],
  5: ['NFQA_IFINDEX_INDEV', be32()],
  6: ['NFQA_IFINDEX_OUTDEV', be32()],
  7: ['NFQA_IFINDEX_PHYSINDEV', be32()],
  8: ['NFQA_IFINDEX_PHYSOUTDEV', be32()],
  9: [
    'NFQA_HWADDR',
    fields(
      [2, (b) => `hw_addrlen ${b.readUInt16BE(0)}`],
      [2, '_pad'],
      [8, (b) => `hw_addr ${colons(b.subarray(0, 6))}, two bytes unused`],
    ),
  ],
  10: ['NFQA_PAYLOAD', payload],
  11: ['NFQA_CT', nested(CTA)],
  12: ['NFQA_CT_INFO', be32((n) => `${n} ${ctInfo[n] ?? ''}`)],
  13: ['NFQA_CAP_LEN', be32()],
  14: ['NFQA_SKB_INFO', be32((n) => `${n} ${skbInfo(n)}`)],
  15: ['NFQA_EXP', nested(CTA_EXPECT)],
  16: ['NFQA_UID', be32()],
  17: ['NFQA_GID', be32()],
  18: ['NFQA_SECCTX', string],
  19: [
    'NFQA_VLAN',
    nested({
      1: ['NFQA_VLAN_PROTO', be16((n) => hex(n, 4))],
      2: ['NFQA_VLAN_TCI', be16((n) => `${hex(n, 4)}: priority ${n >> 13}, vlan ${n & 0xfff}`)],
    }),
  ],
  20: [
    'NFQA_L2HDR',
    (out, b, name) =>
      out.put(
        b,
        `${name} ${colons(b.subarray(6, 12))} > ${colons(b.subarray(0, 6))}, ethertype ${hex(b.readUInt16BE(12), 4)}`,
      ),
  ],
  21: ['NFQA_PRIORITY', be32((n) => hex(n, 8))],
  22: ['NFQA_CGROUP_CLASSID', be32((n) => hex(n, 8))],
}
const NFQA_CFG = {
  1: [
    'NFQA_CFG_CMD',
    fields(
      [1, (b) => `command ${configCommands[b[0]] ?? b[0]}`],
      [1, '_pad'],
      [2, (b) => `pf ${family[b.readUInt16BE(0)] ?? b.readUInt16BE(0)}`],
    ),
  ],
  2: [
    'NFQA_CFG_PARAMS',
    fields([4, (b) => `copy_range ${b.readUInt32BE(0)}`], [1, (b) => `copy_mode ${copyModes[b[0]] ?? b[0]}`]),
  ],
  3: ['NFQA_CFG_QUEUE_MAXLEN', be32()],
  4: ['NFQA_CFG_MASK', be32(configFlags)],
  5: ['NFQA_CFG_FLAGS', be32(configFlags)],
}
const logCopyModes = ['NFULNL_COPY_NONE', 'NFULNL_COPY_META', 'NFULNL_COPY_PACKET']
const logCommands = ['NONE', 'BIND', 'UNBIND', 'PF_BIND', 'PF_UNBIND'].map((name) => `NFULNL_CFG_CMD_${name}`)
const logFlags = bits([
  [1, 'NFULNL_CFG_F_SEQ'],
  [2, 'NFULNL_CFG_F_SEQ_GLOBAL'],
  [4, 'NFULNL_CFG_F_CONNTRACK'],
])
const hardware = { 1: 'ARPHRD_ETHER', 772: 'ARPHRD_LOOPBACK' }
const ethernet = (out, b, name) =>
  out.put(
    b,
    b.length < 14
      ? name
      : `${name} ${colons(b.subarray(6, 12))} > ${colons(b.subarray(0, 6))}, ethertype ${hex(b.readUInt16BE(12), 4)}`,
  )
const NFULA = {
  1: [
    'NFULA_PACKET_HDR',
    (out, b, name) =>
      fields(
        [2, (p) => `hw_protocol ${hex(p.readUInt16BE(0), 4)}`],
        [1, (p) => `hook ${p[0]} ${(hooksOf[out.family] ?? hooks)[p[0]] ?? ''}`],
        [1, '_pad'],
      )(out, b, name),
  ],
  2: ['NFULA_MARK', mark],
  3: ['NFULA_TIMESTAMP', fields([8, (b) => `sec ${b.readBigUInt64BE(0)}`], [8, (b) => `usec ${b.readBigUInt64BE(0)}`])],
  4: ['NFULA_IFINDEX_INDEV', be32()],
  5: ['NFULA_IFINDEX_OUTDEV', be32()],
  6: ['NFULA_IFINDEX_PHYSINDEV', be32()],
  7: ['NFULA_IFINDEX_PHYSOUTDEV', be32()],
  8: [
    'NFULA_HWADDR',
    fields(
      [2, (b) => `hw_addrlen ${b.readUInt16BE(0)}`],
      [2, '_pad'],
      [8, (b) => `hw_addr ${colons(b.subarray(0, 6))}, two bytes unused`],
    ),
  ],
  9: ['NFULA_PAYLOAD', payload],
  10: ['NFULA_PREFIX', string],
  11: ['NFULA_UID', be32()],
  12: ['NFULA_SEQ', be32()],
  13: ['NFULA_SEQ_GLOBAL', be32()],
  14: ['NFULA_GID', be32()],
  15: ['NFULA_HWTYPE', be16((n) => `${n} ${hardware[n] ?? ''}`)],
  16: ['NFULA_HWHEADER', ethernet],
  17: ['NFULA_HWLEN', be16()],
  18: ['NFULA_CT', nested(CTA)],
  19: ['NFULA_CT_INFO', be32((n) => `${n} ${ctInfo[n] ?? ''}`)],
  20: [
    'NFULA_VLAN',
    nested({
      1: ['NFULA_VLAN_PROTO', be16((n) => hex(n, 4))],
      2: ['NFULA_VLAN_TCI', be16((n) => `${hex(n, 4)}: priority ${n >> 13}, vlan ${n & 0xfff}`)],
    }),
  ],
  21: ['NFULA_L2HDR', ethernet],
}
const NFULA_CFG = {
  1: ['NFULA_CFG_CMD', fields([1, (b) => `command ${logCommands[b[0]] ?? b[0]}`])],
  2: [
    'NFULA_CFG_MODE',
    fields(
      [4, (b) => `copy_range ${b.readUInt32BE(0)}`],
      [1, (b) => `copy_mode ${logCopyModes[b[0]] ?? b[0]}`],
      [1, '_pad'],
    ),
  ],
  3: ['NFULA_CFG_NLBUFSIZ', be32()],
  4: ['NFULA_CFG_TIMEOUT', be32((n) => `${n} = ${n * 10} ms`)],
  5: ['NFULA_CFG_QTHRESH', be32()],
  6: ['NFULA_CFG_FLAGS', be16((n) => `${n} ${logFlags(n)}`)],
}
const POLICY = {
  1: ['NL_POLICY_TYPE_ATTR_TYPE', u32((n) => `${n} NL_ATTR_TYPE_${policyTypes[n] ?? '?'}`)],
  2: ['NL_POLICY_TYPE_ATTR_MIN_VALUE_S', u64()],
  3: ['NL_POLICY_TYPE_ATTR_MAX_VALUE_S', u64()],
  4: ['NL_POLICY_TYPE_ATTR_MIN_VALUE_U', u64()],
  5: ['NL_POLICY_TYPE_ATTR_MAX_VALUE_U', u64()],
  6: ['NL_POLICY_TYPE_ATTR_MIN_LENGTH', u32()],
  7: ['NL_POLICY_TYPE_ATTR_MAX_LENGTH', u32()],
  8: ['NL_POLICY_TYPE_ATTR_POLICY_IDX', u32()],
  9: ['NL_POLICY_TYPE_ATTR_POLICY_MAXTYPE', u32()],
  10: ['NL_POLICY_TYPE_ATTR_BITFIELD32_MASK', u32((n) => hex(n))],
  11: ['NL_POLICY_TYPE_ATTR_PAD', raw],
  12: ['NL_POLICY_TYPE_ATTR_MASK', u64((n) => hex(n))],
}
const NLMSGERR_ATTR = {
  1: ['NLMSGERR_ATTR_MSG', string],
  2: ['NLMSGERR_ATTR_OFFS', u32()],
  3: ['NLMSGERR_ATTR_COOKIE', raw],
  4: ['NLMSGERR_ATTR_POLICY', nested(POLICY)],
  5: ['NLMSGERR_ATTR_MISS_TYPE', u32()],
  6: ['NLMSGERR_ATTR_MISS_NEST', u32()],
}
const IFLA = { 3: ['IFLA_IFNAME', string], 18: ['IFLA_LINKINFO', nested({ 1: ['IFLA_INFO_KIND', string] })] }
// nf_tables. Numbers are big endian; what an expression's data is, its name says.
const registers = (n) =>
  n < 8
    ? ['NFT_REG_VERDICT', 'NFT_REG_1', 'NFT_REG_2', 'NFT_REG_3', 'NFT_REG_4'][n]
    : `NFT_REG32_${String(n - 8).padStart(2, '0')}`
const register = be32((n) => `${n} ${registers(n) ?? ''}`)
const named = (...list) => be32((n) => `${n} ${list[n] ?? ''}`)
const signed32 = number(4, (b) => b.readInt32BE(0))
const handle = be64()
const NFTA_VERDICT = {
  1: [
    'NFTA_VERDICT_CODE',
    number(
      4,
      (b) => b.readInt32BE(0),
      (n) => {
        const names = ['NFT_RETURN', 'NFT_GOTO', 'NFT_JUMP', 'NFT_BREAK', 'NFT_CONTINUE', 'NF_DROP', 'NF_ACCEPT']
        return `${n} ${names[n + 5] ?? ''}`
      },
    ),
  ],
  2: ['NFTA_VERDICT_CHAIN', string],
  3: ['NFTA_VERDICT_CHAIN_ID', be32()],
}
const NFTA_DATA = { 1: ['NFTA_DATA_VALUE', raw], 2: ['NFTA_DATA_VERDICT', nested(NFTA_VERDICT)] }
const NFTA_COUNTER = {
  1: ['NFTA_COUNTER_BYTES', be64()],
  2: ['NFTA_COUNTER_PACKETS', be64()],
  3: ['NFTA_COUNTER_PAD', raw],
}
const info = (prefix) => ({ 1: [`${prefix}_NAME`, string], 2: [`${prefix}_REV`, be32()], 3: [`${prefix}_INFO`, raw] })
// Numbers and rows of attributes that are numbers: prefix, then the names in order.
const words = (prefix, names, special = {}) =>
  Object.fromEntries(
    names.split(' ').map((name, i) => {
      const full = `${prefix}_${name}`
      const value = /REG/.test(name) ? register : be32()
      return [i + 1, [full, special[name] ?? value]]
    }),
  )
const metaKeys =
  'LEN PROTOCOL PRIORITY MARK IIF OIF IIFNAME OIFNAME IIFTYPE OIFTYPE SKUID SKGID NFTRACE RTCLASSID SECMARK NFPROTO L4PROTO BRI_IIFNAME BRI_OIFNAME PKTTYPE CPU'
const ctKeys =
  'STATE DIRECTION STATUS MARK SECMARK EXPIRATION HELPER L3PROTOCOL SRC DST PROTOCOL PROTO_SRC PROTO_DST LABELS PKTS BYTES AVGPKT ZONE'
const prefixed = (prefix, list) => named(...list.split(' ').map((name) => `${prefix}_${name}`))
const data = nested(NFTA_DATA)
const EXPRESSIONS = {
  bitwise: words('NFTA_BITWISE', 'SREG DREG LEN MASK XOR OP DATA SREG2', {
    MASK: data,
    XOR: data,
    DATA: data,
    OP: prefixed('NFT_BITWISE', 'MASK_XOR LSHIFT RSHIFT AND OR XOR'),
  }),
  byteorder: words('NFTA_BYTEORDER', 'SREG DREG OP LEN SIZE', { OP: prefixed('NFT_BYTEORDER', 'NTOH HTON') }),
  cmp: words('NFTA_CMP', 'SREG OP DATA', { OP: prefixed('NFT_CMP', 'EQ NEQ LT LTE GT GTE'), DATA: data }),
  connlimit: words('NFTA_CONNLIMIT', 'COUNT FLAGS'),
  counter: NFTA_COUNTER,
  ct: words('NFTA_CT', 'DREG KEY DIRECTION SREG', { KEY: prefixed('NFT_CT', ctKeys), DIRECTION: u8() }),
  dup: words('NFTA_DUP', 'SREG_ADDR SREG_DEV'),
  exthdr: words('NFTA_EXTHDR', 'DREG TYPE OFFSET LEN FLAGS OP SREG', { TYPE: u8() }),
  fib: words('NFTA_FIB', 'DREG RESULT FLAGS'),
  hash: words('NFTA_HASH', 'SREG DREG LEN MODULUS SEED OFFSET TYPE'),
  immediate: words('NFTA_IMMEDIATE', 'DREG DATA', { DATA: data }),
  limit: words('NFTA_LIMIT', 'RATE UNIT BURST TYPE FLAGS PAD', {
    RATE: be64(),
    UNIT: be64(),
    TYPE: prefixed('NFT_LIMIT', 'PKTS PKT_BYTES'),
    PAD: raw,
  }),
  log: words('NFTA_LOG', 'GROUP PREFIX SNAPLEN QTHRESHOLD LEVEL FLAGS', {
    GROUP: be16(),
    PREFIX: string,
    QTHRESHOLD: be16(),
  }),
  lookup: words('NFTA_LOOKUP', 'SET SREG DREG SET_ID FLAGS', { SET: string }),
  match: info('NFTA_MATCH'),
  meta: words('NFTA_META', 'DREG KEY SREG', { KEY: prefixed('NFT_META', metaKeys) }),
  notrack: {},
  numgen: words('NFTA_NG', 'DREG MODULUS TYPE OFFSET'),
  objref: words('NFTA_OBJREF', 'IMM_TYPE IMM_NAME SET_SREG SET_NAME SET_ID', { IMM_NAME: string, SET_NAME: string }),
  payload: words('NFTA_PAYLOAD', 'DREG BASE OFFSET LEN SREG CSUM_TYPE CSUM_OFFSET CSUM_FLAGS', {
    BASE: prefixed('NFT_PAYLOAD', 'LL_HEADER NETWORK_HEADER TRANSPORT_HEADER INNER_HEADER TUN_HEADER'),
  }),
  queue: words('NFTA_QUEUE', 'NUM TOTAL FLAGS SREG_QNUM', {
    NUM: be16(),
    TOTAL: be16(),
    FLAGS: be16((n) => `${n} ${queueRuleFlags(n)}`),
  }),
  quota: words('NFTA_QUOTA', 'BYTES FLAGS PAD CONSUMED', { BYTES: be64(), PAD: raw, CONSUMED: be64() }),
  range: words('NFTA_RANGE', 'SREG OP FROM_DATA TO_DATA', {
    OP: prefixed('NFT_RANGE', 'EQ NEQ'),
    FROM_DATA: data,
    TO_DATA: data,
  }),
  reject: words('NFTA_REJECT', 'TYPE ICMP_CODE', { ICMP_CODE: u8() }),
  rt: words('NFTA_RT', 'DREG KEY'),
  socket: words('NFTA_SOCKET', 'KEY DREG LEVEL', { DREG: register }),
  target: { ...info('NFTA_TARGET'), 3: ['NFTA_TARGET_INFO', targetInfo] },
}
// A C struct in host order; its length says which.
function targetInfo(out, b, name) {
  const half = (what) => [2, (part) => `${what} ${part.readUInt16LE(0)}`]
  if (b.length === 80) {
    const prefix = [64, (part) => `prefix ${text(part)}`]
    const parts = [
      [4, (part) => `len ${part.readUInt32LE(0)}`],
      half('group'),
      half('threshold'),
      half('flags'),
      [2, 'pad'],
    ]
    return fields(...parts, prefix, [4, 'aligned to 8'])(out, b, name)
  }
  const flags = [2, (part) => `flags ${part.readUInt16LE(0)} ${queueRuleFlags(part.readUInt16LE(0))}`]
  return fields(half('queuenum'), half('queues_total'), flags, [2, 'aligned to 8'])(out, b, name)
}
const queueRuleFlags = bits([
  [1, 'BYPASS'],
  [2, 'CPU_FANOUT'],
])
// The name comes first, in every message seen.
function expression(out, b) {
  const name = b.length > 4 ? b.subarray(4, b.readUInt16LE(0)).toString('latin1').replace(/\0+$/, '') : ''
  attributes(out.deeper(), b, { 1: ['NFTA_EXPR_NAME', string], 2: ['NFTA_EXPR_DATA', nested(EXPRESSIONS[name] ?? {})] })
}
// libnftnl numbers the elements of a set; everybody else numbers them all 1.
const elements = (table) => {
  const value = typeof table === 'function' ? table : nested(table)
  return nested({ 1: ['NFTA_LIST_ELEM', value], 2: ['element 2', value], 3: ['element 3', value] })
}
const tableFlags = bits([
  [1, 'NFT_TABLE_F_DORMANT'],
  [2, 'NFT_TABLE_F_OWNER'],
  [4, 'NFT_TABLE_F_PERSIST'],
])
const NFTA_TABLE = {
  1: ['NFTA_TABLE_NAME', string],
  2: ['NFTA_TABLE_FLAGS', be32((n) => `${n} ${tableFlags(n)}`)],
  3: ['NFTA_TABLE_USE', be32()],
  4: ['NFTA_TABLE_HANDLE', handle],
  5: ['NFTA_TABLE_PAD', raw],
  6: ['NFTA_TABLE_USERDATA', raw],
  7: ['NFTA_TABLE_OWNER', be32()],
}
const NFTA_HOOK = {
  1: [
    'NFTA_HOOK_HOOKNUM',
    (out, b, name) => be32((n) => `${n} ${(hooksOf[out.family] ?? hooks)[n] ?? ''}`)(out, b, name),
  ],
  2: ['NFTA_HOOK_PRIORITY', signed32],
  3: ['NFTA_HOOK_DEV', string],
  4: ['NFTA_HOOK_DEVS', nested({ 1: ['NFTA_DEVICE_NAME', string] })],
}
const NFTA_CHAIN = {
  1: ['NFTA_CHAIN_TABLE', string],
  2: ['NFTA_CHAIN_HANDLE', handle],
  3: ['NFTA_CHAIN_NAME', string],
  4: ['NFTA_CHAIN_HOOK', nested(NFTA_HOOK)],
  5: ['NFTA_CHAIN_POLICY', named('NF_DROP', 'NF_ACCEPT')],
  6: ['NFTA_CHAIN_USE', be32()],
  7: ['NFTA_CHAIN_TYPE', string],
  8: ['NFTA_CHAIN_COUNTERS', nested(NFTA_COUNTER)],
  9: ['NFTA_CHAIN_PAD', raw],
  10: ['NFTA_CHAIN_FLAGS', be32()],
  11: ['NFTA_CHAIN_ID', be32()],
  12: ['NFTA_CHAIN_USERDATA', raw],
}
const NFTA_RULE = {
  1: ['NFTA_RULE_TABLE', string],
  2: ['NFTA_RULE_CHAIN', string],
  3: ['NFTA_RULE_HANDLE', handle],
  4: ['NFTA_RULE_EXPRESSIONS', elements(expression)],
  5: ['NFTA_RULE_COMPAT', nested({ 1: ['NFTA_RULE_COMPAT_PROTO', be32()], 2: ['NFTA_RULE_COMPAT_FLAGS', be32()] })],
  6: ['NFTA_RULE_POSITION', handle],
  7: ['NFTA_RULE_USERDATA', raw],
  8: ['NFTA_RULE_PAD', raw],
  9: ['NFTA_RULE_ID', be32()],
  10: ['NFTA_RULE_POSITION_ID', be32()],
  11: ['NFTA_RULE_CHAIN_ID', be32()],
}
const NFTA_SET = {
  ...words(
    'NFTA_SET',
    'TABLE NAME FLAGS KEY_TYPE KEY_LEN DATA_TYPE DATA_LEN POLICY DESC ID TIMEOUT GC_INTERVAL USERDATA PAD OBJ_TYPE HANDLE',
    {
      TABLE: string,
      NAME: string,
      DESC: nested({ 1: ['NFTA_SET_DESC_SIZE', be32()] }),
      TIMEOUT: be64(),
      USERDATA: raw,
      PAD: raw,
      HANDLE: handle,
    },
  ),
  19: ['NFTA_SET_TYPE', string],
  20: ['NFTA_SET_COUNT', be32()],
}
const NFTA_SET_ELEM = words('NFTA_SET_ELEM', 'KEY DATA FLAGS TIMEOUT EXPIRATION USERDATA EXPR PAD OBJREF KEY_END', {
  KEY: data,
  DATA: data,
  TIMEOUT: be64(),
  EXPIRATION: be64(),
  USERDATA: raw,
  EXPR: expression,
  PAD: raw,
  OBJREF: string,
  KEY_END: data,
})
const NFTA_SET_ELEM_LIST = words('NFTA_SET_ELEM_LIST', 'TABLE SET ELEMENTS SET_ID', {
  TABLE: string,
  SET: string,
  ELEMENTS: elements(NFTA_SET_ELEM),
})
const NFTA_GEN = { 1: ['NFTA_GEN_ID', be32()], 2: ['NFTA_GEN_PROC_PID', be32()], 3: ['NFTA_GEN_PROC_NAME', string] }
const NFTA_OBJ = words('NFTA_OBJ', 'TABLE NAME TYPE DATA USE HANDLE PAD USERDATA', {
  TABLE: string,
  NAME: string,
  DATA: raw,
  HANDLE: handle,
  PAD: raw,
  USERDATA: raw,
})
const NFTA_COMPAT = {
  1: ['NFTA_COMPAT_NAME', string],
  2: ['NFTA_COMPAT_REV', be32()],
  3: ['NFTA_COMPAT_TYPE', named('match', 'target')],
}
const NFNL_BATCH = { 1: ['NFNL_BATCH_GENID', be32()] }
const nftables = [
  ...['TABLE', 'CHAIN', 'RULE', 'SET', 'SETELEM'].flatMap((name) => ['NEW', 'GET', 'DEL'].map((verb) => verb + name)),
  ...[
    'NEWGEN',
    'GETGEN',
    'TRACE',
    'NEWOBJ',
    'GETOBJ',
    'DELOBJ',
    'GETOBJ_RESET',
    'NEWFLOWTABLE',
    'GETFLOWTABLE',
    'DELFLOWTABLE',
    'GETRULE_RESET',
  ],
]
const nftablesTables = {
  TABLE: NFTA_TABLE,
  CHAIN: NFTA_CHAIN,
  RULE: NFTA_RULE,
  RULE_RESET: NFTA_RULE,
  SET: NFTA_SET,
  SETELEM: NFTA_SET_ELEM_LIST,
  GEN: NFTA_GEN,
  OBJ: NFTA_OBJ,
}
// What res_id is, and the attributes of each message.
const SUBSYSTEM = {
  1: { kind: 'processor, for its counters', table: (message) => conntrackTables[message] ?? CTA },
  2: { table: () => CTA_EXPECT },
  3: { kind: 'queue', table: (message) => (message === 2 ? NFQA_CFG : NFQA) },
  4: { kind: 'group', table: (message) => (message === 1 ? NFULA_CFG : NFULA) },
  0: { kind: 'subsystem', table: () => NFNL_BATCH },
  10: { table: (message) => nftablesTables[nftables[message]?.slice(3)] ?? {} },
  11: { table: () => NFTA_COMPAT },
}
const CTRL = { 2: ['CTRL_ATTR_FAMILY_NAME', string] }

// ---------------------------------------------------------------------------------------------------------------
// walking

const align = (n) => (n + 3) & ~3

export class Lines {
  constructor(depth = 0, list = []) {
    this.depth = depth
    this.list = list
  }
  deeper() {
    const deeper = new Lines(this.depth + 1, this.list)
    deeper.family = this.family
    return deeper
  }
  put(bytes, comment) {
    if (bytes.length === 0) return
    for (let at = 0; at < bytes.length; at += 16) {
      const part = [...bytes.subarray(at, at + 16)].map((n) => n.toString(16).padStart(2, '0')).join(' ')
      this.list.push(at === 0 ? `${part.padEnd(24)} # ${'  '.repeat(this.depth)}${comment}` : part)
    }
  }
}

function attributes(out, b, table) {
  let at = 0
  while (b.length - at >= 4) {
    const length = b.readUInt16LE(at)
    const type = b.readUInt16LE(at + 2)
    if (length < 4 || length > b.length - at) break
    const [name, value] = table[type & 0x3fff] ?? [`attribute ${type & 0x3fff}`, type & 0x8000 ? nested({}) : raw]
    out.put(b.subarray(at, at + 2), `nla_len ${length}`)
    out.put(
      b.subarray(at + 2, at + 4),
      `nla_type ${name}${type & 0x8000 ? ' | NLA_F_NESTED' : ''}${type & 0x4000 ? ' | NLA_F_NET_BYTEORDER' : ''}`,
    )
    value(out, b.subarray(at + 4, at + length), name)
    out.put(b.subarray(at + length, Math.min(at + align(length), b.length)), 'padding')
    at = Math.min(at + align(length), b.length)
  }
  out.put(b.subarray(at), 'left over')
}

function header(out, b, protocol, what = 'nlmsg') {
  const type = b.readUInt16LE(4)
  const flags = b.readUInt16LE(6)
  const sayFlags =
    type === 2 || type === 3 ? answerFlags : protocol === 'route' && type % 4 === 0 ? createFlags : requestFlags
  out.put(b.subarray(0, 4), `${what}_len ${b.readUInt32LE(0)}`)
  out.put(b.subarray(4, 6), `${what}_type ${typeName(type, protocol)}`)
  out.put(b.subarray(6, 8), `${what}_flags ${sayFlags(flags)}`)
  out.put(b.subarray(8, 12), `${what}_seq ${b.readUInt32LE(8)}`)
  out.put(b.subarray(12, 16), `${what}_pid ${b.readUInt32LE(12)}`)
}

function typeName(type, protocol) {
  if (type < 16) return ['0', 'NLMSG_NOOP', 'NLMSG_ERROR', 'NLMSG_DONE', 'NLMSG_OVERRUN'][type] ?? `${type}`
  if (protocol === 'route') return { 16: 'RTM_NEWLINK', 20: 'RTM_NEWADDR', 22: 'RTM_GETADDR' }[type] ?? `${type}`
  if (protocol === 'generic')
    return type === 16 ? 'GENL_ID_CTRL' : `${type} (number of a generic family, given out at boot)`
  if (type >> 8 === 0) return ['NFNL_MSG_BATCH_BEGIN', 'NFNL_MSG_BATCH_END'][type - 16] ?? `${type}`
  const subsystem =
    { 1: 'CTNETLINK', 2: 'CTNETLINK_EXP', 3: 'QUEUE', 4: 'ULOG', 10: 'NFTABLES', 11: 'NFT_COMPAT' }[type >> 8] ??
    `${type >> 8}`
  const names = {
    1: ['NEW', 'GET', 'DELETE', 'GET_CTRZERO', 'GET_STATS_CPU', 'GET_STATS', 'GET_DYING', 'GET_UNCONFIRMED'].map(
      (name) => `IPCTNL_MSG_CT_${name}`,
    ),
    2: ['NEW', 'GET', 'DELETE', 'GET_STATS_CPU'].map((name) => `IPCTNL_MSG_EXP_${name}`),
    3: ['NFQNL_MSG_PACKET', 'NFQNL_MSG_VERDICT', 'NFQNL_MSG_CONFIG', 'NFQNL_MSG_VERDICT_BATCH'],
    4: ['NFULNL_MSG_PACKET', 'NFULNL_MSG_CONFIG'],
    10: nftables.map((name) => `NFT_MSG_${name}`),
    11: ['NFNL_MSG_COMPAT_GET'],
  }
  return `NFNL_SUBSYS_${subsystem} << 8 | ${names[type >> 8]?.[type & 255] ?? type & 255}`
}

function generic(out, b, kind) {
  fields(
    [1, (p) => `nfgen_family ${family[p[0]] ?? p[0]}`],
    [1, (p) => `version ${p[0]}`],
    [2, (p) => `res_id ${p.readUInt16BE(0)}${kind ? ` (${kind})` : ''}`],
  )(out, b, 'nfgenmsg')
}

// What follows the netlink header, up to the end of b.
function body(out, b, type, protocol, flags) {
  if (b.length === 0) return
  if (type === 2 || type === 3) return control(out, b, type, protocol, flags)
  if (type < 16) return out.put(b, 'payload')
  if (protocol === 'route') {
    if (type === 16) {
      fields(
        [1, 'ifi_family'],
        [1, '__ifi_pad'],
        [2, 'ifi_type'],
        [4, 'ifi_index'],
        [4, 'ifi_flags'],
        [4, 'ifi_change'],
      )(out, b.subarray(0, 16), 'ifinfomsg')
      return attributes(out, b.subarray(16), IFLA)
    }
    return out.put(b, 'payload')
  }
  if (protocol === 'generic') {
    fields([1, (p) => `cmd ${p[0]}`], [1, (p) => `version ${p[0]}`], [2, 'reserved'])(
      out,
      b.subarray(0, 4),
      'genlmsghdr',
    )
    return attributes(out, b.subarray(4), type === 16 ? CTRL : {})
  }
  const { kind, table = () => ({}) } = SUBSYSTEM[type >> 8] ?? {}
  out.family = b[0]
  generic(out, b.subarray(0, 4), kind)
  attributes(out, b.subarray(4), table(type & 255))
}

function control(out, b, type, protocol, flags) {
  const code = b.readInt32LE(0)
  out.put(b.subarray(0, 4), `error ${code}${code ? ` ${errno[-code] ?? ''}` : ''}`)
  let at = 4
  if (type === 2) {
    const original = b.subarray(4, 20)
    header(out.deeper(), original, protocol)
    at = 20
    if (!(flags & 0x100)) {
      const end = 4 + original.readUInt32LE(0)
      body(out.deeper(), b.subarray(20, end), original.readUInt16LE(4), protocol, original.readUInt16LE(6))
      at = Math.min(align(end), b.length)
      out.put(b.subarray(end, at), 'padding')
    }
  }
  if (flags & 0x200) attributes(out, b.subarray(at), NLMSGERR_ATTR)
  else out.put(b.subarray(at), 'left over')
}

// A datagram holds one message or more, each starting at a multiple of 4.
export function annotate(bytes, protocol) {
  const out = new Lines()
  let at = 0
  let log = false
  while (bytes.length - at >= 16) {
    const message = bytes.subarray(at)
    const length = message.readUInt32LE(0)
    if (length < 16 || length > message.length) break
    const type = message.readUInt16LE(4)
    header(out, message, protocol)
    // The DONE of nfnetlink_log holds no errno: it is an nfgenmsg with the group.
    if (type === 3 && log) generic(out, message.subarray(16, length), 'group')
    else body(out, message.subarray(16, length), type, protocol, message.readUInt16LE(6))
    log = type >> 8 === 4
    at = Math.min(at + align(length), bytes.length)
    out.put(message.subarray(length, align(length)), 'padding')
  }
  out.put(bytes.subarray(at), 'after the message')
  return out.list
}

// ------------------------------------------------------------------------------------------------------------------
// main

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [source, target] = process.argv.slice(2)
  const [capture, ...records] = readBlocks(readFileSync(source, 'utf8'))
  mkdirSync(target, { recursive: true })
  for (const file of readdirSync(target)) if (file.endsWith('.hex')) rmSync(join(target, file))
  const seen = new Set()
  const { kernel, date } = capture
  for (const record of records) {
    if (seen.has(record.name)) throw new Error(`two records are named ${record.name}`)
    seen.add(record.name)
    const head = [
      `# name: ${record.name}`,
      `# from: ${record.from}`,
      `# command: ${record.command}`,
      `# kernel: ${kernel}`,
    ]
    if (record.library) head.push(`# library: ${record.library}`)
    head.push(`# date: ${date}`)
    if (record.note) head.push(`# note: ${record.note}`)
    writeFileSync(
      join(target, `${record.name}.hex`),
      `${[...head, ...annotate(record.bytes, record.protocol)].join('\n')}\n`,
    )
  }
  console.log(`${records.length} vectors written`)
}
