// SPDX-License-Identifier: MIT
// Writes vectors/invalid/*.hex: messages that a reader must refuse. Made by hand: each is the smallest one that shows
// its fault.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = join(dirname(fileURLToPath(import.meta.url)), '../invalid')
mkdirSync(folder, { recursive: true })
for (const file of readdirSync(folder)) if (file.endsWith('.hex')) rmSync(join(folder, file))

const le16 = (n) => [n & 255, (n >> 8) & 255]
const le32 = (n) => [...le16(n & 0xffff), ...le16(n >>> 16)]
let count = 0

// A vector is a list of [bytes, comment].
function write(name, expect, note, ...lines) {
  const body = lines.map(
    ([bytes, comment]) =>
      `${bytes
        .map((n) => n.toString(16).padStart(2, '0'))
        .join(' ')
        .padEnd(24)} # ${comment}`,
  )
  writeFileSync(
    join(folder, `${name}.hex`),
    `${[`# name: ${name}`, '# from: hand', `# expect: ${expect}`, `# note: ${note}`, ...body].join('\n')}\n`,
  )
  count++
}

const nlmsg = (length, type = 0x301, say = '') => [
  [le32(length), `nlmsg_len ${length}${say && ` ${say}`}`],
  [le16(type), `nlmsg_type NFNL_SUBSYS_QUEUE << 8 | ${['NFQNL_MSG_PACKET', 'NFQNL_MSG_VERDICT'][type & 255]}`],
  [le16(type & 255 ? 1 : 0), `nlmsg_flags ${type & 255 ? 'NLM_F_REQUEST' : '0'}`],
  [le32(7), 'nlmsg_seq 7'],
  [le32(0), 'nlmsg_pid 0'],
]
const nfgen = [
  [[0], 'nfgen_family AF_UNSPEC'],
  [[0], 'version 0'],
  [[0, 5], 'res_id 5 (queue)'],
]
const verdictHeader = [
  [le16(12), 'nla_len 12'],
  [le16(2), 'nla_type NFQA_VERDICT_HDR'],
  [[0, 0, 0, 1], 'verdict NF_ACCEPT'],
  [[0, 0, 0, 9], 'id 9'],
]
const verdict = [...nlmsg(32), ...nfgen, ...verdictHeader] // valid, 32 bytes
const packetHeader = [
  // a packet message of 31 bytes, its only attribute unpadded at the end
  ...nlmsg(31, 0x300),
  ...nfgen,
  [le16(11), 'nla_len 11'],
  [le16(1), 'nla_type NFQA_PACKET_HDR'],
  [[0, 0, 0, 9], 'packet_id 9'],
  [[8, 0], 'hw_protocol 0x0800'],
  [[3], 'hook 3 LOCAL_OUT'],
]
const markAt = (length, say) => [
  [le16(length), `nla_len ${length} (${say})`],
  [le16(3), 'nla_type NFQA_MARK'],
  [[0, 0, 0, 7], 'NFQA_MARK 0x7'],
]

// --- the message's header
write('header-10-bytes', 'short-header', 'ten bytes where the header needs sixteen', ...nlmsg(32).slice(0, 3), [
  [7, 0],
  'nlmsg_seq, cut',
])
write('header-15-bytes', 'short-header', 'fifteen bytes where the header needs sixteen', ...nlmsg(16).slice(0, 4), [
  [0, 0, 0],
  'nlmsg_pid, cut',
])
write(
  'message-beyond-buffer',
  'message-length',
  'nlmsg_len promises more than was received',
  ...nlmsg(48, 0x301, '(32 are there)'),
  ...nfgen,
  ...verdictHeader,
)
write(
  'message-one-beyond-buffer',
  'message-length',
  'nlmsg_len promises one byte more than was received',
  ...nlmsg(33, 0x301, '(32 are there)'),
  ...nfgen,
  ...verdictHeader,
)
write(
  'message-length-huge',
  'message-length',
  'nlmsg_len 0xffffffff must not wrap around when it is aligned',
  [[255, 255, 255, 255], 'nlmsg_len 4294967295'],
  ...nlmsg(32).slice(1),
  ...nfgen,
  ...verdictHeader,
)
write(
  'message-length-negative',
  'message-length',
  'nlmsg_len 0x80000000 is negative for a reader that takes it as signed',
  [[0, 0, 0, 128], 'nlmsg_len 2147483648'],
  ...nlmsg(32).slice(1),
  ...nfgen,
  ...verdictHeader,
)
for (const length of [0, 4, 15]) {
  write(
    `message-length-${length}`,
    'message-length',
    'nlmsg_len smaller than the header itself; a reader that trusts it never ends',
    ...nlmsg(length, 0x301, '(less than 16)'),
    ...nfgen,
    ...verdictHeader,
  )
}

// --- attributes
for (const length of [0, 1, 2, 3]) {
  write(
    `attribute-length-${length}`,
    'attribute-length',
    "nla_len smaller than the attribute's own header",
    ...nlmsg(40),
    ...nfgen,
    ...verdictHeader,
    ...markAt(length, 'less than 4'),
  )
}
write(
  'attribute-beyond-message',
  'attribute-length',
  'the last attribute ends 4 bytes after its message',
  ...nlmsg(40),
  ...nfgen,
  ...verdictHeader,
  ...markAt(12, '8 are left'),
)
write(
  'attribute-one-beyond-message',
  'attribute-length',
  'the last attribute ends 1 byte after its message',
  ...nlmsg(40),
  ...nfgen,
  ...verdictHeader,
  ...markAt(9, '8 are left'),
)
write(
  'attribute-beyond-message-inside-buffer',
  'attribute-length',
  'the attribute would reach into the next message, which is there',
  ...nlmsg(40),
  ...nfgen,
  ...verdictHeader,
  ...markAt(28, '8 are left in this message'),
  ...verdict,
)
write(
  'attribute-length-65535',
  'attribute-length',
  'the longest length there is',
  ...nlmsg(40),
  ...nfgen,
  ...verdictHeader,
  ...markAt(65535, '8 are left'),
)
write(
  'nested-longer-than-parent',
  'attribute-length',
  'CTA_MARK says 12 bytes, its parent NFQA_CT has 8 left, the message continues',
  ...nlmsg(52),
  ...nfgen,
  ...verdictHeader,
  [le16(12), 'nla_len 12'],
  [[11, 128], 'nla_type NFQA_CT | NLA_F_NESTED'],
  [le16(12), '  nla_len 12 (8 are left in the parent)'],
  [le16(8), '  nla_type CTA_MARK'],
  [[0, 0, 190, 239], '  CTA_MARK 0xbeef'],
  [le16(8), 'nla_len 8'],
  [le16(3), 'nla_type NFQA_MARK'],
  [[0, 0, 0, 7], 'NFQA_MARK 0x7'],
)
write(
  'nested-length-zero',
  'attribute-length',
  'an attribute of length 0 inside NFQA_CT',
  ...nlmsg(44),
  ...nfgen,
  ...verdictHeader,
  [le16(12), 'nla_len 12'],
  [[11, 128], 'nla_type NFQA_CT | NLA_F_NESTED'],
  [le16(0), '  nla_len 0 (less than 4)'],
  [le16(8), '  nla_type CTA_MARK'],
  [[0, 0, 190, 239], '  CTA_MARK 0xbeef'],
)

// --- depth: attributes nested in each other, all flagged NLA_F_NESTED; the first three are known to nest.
const depth = 40
const levels = []
for (let level = 1; level <= depth; level++) {
  const length = 4 * (depth - level + 1)
  const known = ['NFQA_CT', 'CTA_TUPLE_ORIG', 'CTA_TUPLE_IP', 'CTA_IP_V4_SRC'][level - 1] ?? 'attribute 1'
  levels.push(
    [le16(length), `level ${level}: nla_len ${length}`],
    [[level === 1 ? 11 : 1, 128], `nla_type ${known} | NLA_F_NESTED`],
  )
}
write(
  'nested-40-levels',
  'nested-depth',
  'every length is right, but the nesting has 40 levels',
  ...nlmsg(32 + 4 * depth),
  ...nfgen,
  ...verdictHeader,
  ...levels,
)

// --- what follows a message
for (const stray of [1, 2, 3]) {
  const garbage = [[0xde, 0xad, 0xbe].slice(0, stray), `${stray} stray byte${stray > 1 ? 's' : ''}`]
  write(
    `tail-${stray}-after-aligned`,
    'trailing-bytes',
    'a valid message of 32 bytes, then a rest that cannot be a header',
    ...verdict,
    garbage,
  )
  write(
    `tail-${stray}-after-unpadded`,
    'trailing-bytes',
    'a valid message of 31 bytes, unpadded by its own length, one byte of padding up to 32, then a rest that cannot be a header',
    ...packetHeader,
    [[0], 'padding'],
    garbage,
  )
}
write(
  'second-message-cut',
  'message-length',
  'a valid message, then one that ends after its nfgenmsg',
  ...verdict,
  ...nlmsg(32, 0x301, '(20 are there)'),
  ...nfgen,
)
write(
  'second-message-header-cut',
  'short-header',
  'a valid message, then ten bytes of the next header',
  ...verdict,
  ...nlmsg(32).slice(0, 3),
  [[7, 0], 'nlmsg_seq, cut'],
)
write('second-message-length-zero', 'message-length', 'a valid message, then sixteen zero bytes', ...verdict, [
  new Array(16).fill(0),
  'nlmsg_len 0',
])

// --- nf_tables: what is inside of lists, of expressions and of lists of devices
const nftables = (length, type, say = '') => [
  [le32(length), `nlmsg_len ${length}${say && ` ${say}`}`],
  [
    le16(type),
    `nlmsg_type ${{ 2566: 'NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE', 2563: 'NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN', 16: 'NFNL_MSG_BATCH_BEGIN', 17: 'NFNL_MSG_BATCH_END' }[type]}`,
  ],
  [le16(1), 'nlmsg_flags NLM_F_REQUEST'],
  [le32(7), 'nlmsg_seq 7'],
  [le32(0), 'nlmsg_pid 0'],
  [[type < 0x100 ? 0 : 2], `nfgen_family ${type < 0x100 ? 'AF_UNSPEC' : 'AF_INET'}`],
  [[0], 'version 0'],
  [type < 0x100 ? [0, 10] : [0, 0], `res_id ${type < 0x100 ? 10 : 0}`],
]
const nest = (length, type, name, say = '') => [
  [le16(length), `nla_len ${length}${say && ` ${say}`}`],
  [le16(type | 0x8000), `nla_type ${name} | NLA_F_NESTED`],
]
const logName = [
  [le16(8), '  nla_len 8'],
  [le16(1), '  nla_type NFTA_EXPR_NAME'],
  [[...Buffer.from('log'), 0], '  NFTA_EXPR_NAME "log"'],
]
write(
  'expression-longer-than-list',
  'attribute-length',
  'an expression says 24 bytes, its list has 20 left',
  ...nftables(44, 0xa06),
  ...nest(24, 4, 'NFTA_RULE_EXPRESSIONS'),
  ...nest(24, 1, 'NFTA_LIST_ELEM', '(20 are left)'),
  ...logName,
  ...nest(8, 2, 'NFTA_EXPR_DATA'),
  [[0, 0, 0, 0], 'payload'],
)
write(
  'expression-data-length-zero',
  'attribute-length',
  'an attribute of length 0 in the data of expression log',
  ...nftables(44, 0xa06),
  ...nest(24, 4, 'NFTA_RULE_EXPRESSIONS'),
  ...nest(20, 1, 'NFTA_LIST_ELEM'),
  ...logName,
  ...nest(8, 2, 'NFTA_EXPR_DATA'),
  [le16(0), 'nla_len 0'],
  [le16(1), 'nla_type NFTA_LOG_GROUP'],
)
write(
  'expression-data-before-name-cut',
  'attribute-length',
  'the data comes first and is whole; the name after it is one byte longer than the expression',
  ...nftables(44, 0xa06),
  ...nest(24, 4, 'NFTA_RULE_EXPRESSIONS'),
  ...nest(20, 1, 'NFTA_LIST_ELEM'),
  ...nest(8, 2, 'NFTA_EXPR_DATA'),
  [[4, 0, 1, 0], 'payload: an attribute without payload'],
  [le16(9), 'nla_len 9 (8 are left)'],
  ...logName.slice(1),
)
write(
  'device-longer-than-list',
  'attribute-length',
  'the second device says 12 bytes, the list of devices has 8 left',
  ...nftables(44, 0xa03),
  ...nest(24, 4, 'NFTA_CHAIN_HOOK'),
  ...nest(20, 4, 'NFTA_HOOK_DEVS'),
  [le16(7), 'nla_len 7'],
  [le16(1), 'nla_type NFTA_DEVICE_NAME'],
  [[...Buffer.from('lo'), 0], 'NFTA_DEVICE_NAME "lo"'],
  [[0], 'padding'],
  [le16(12), 'nla_len 12 (8 are left)'],
  [le16(1), 'nla_type NFTA_DEVICE_NAME'],
  [[...Buffer.from('eth'), 0], 'NFTA_DEVICE_NAME "eth"'],
)
write(
  'batch-end-cut',
  'message-length',
  'a batch whose End lacks its nfgenmsg',
  ...nftables(20, 0x10),
  ...nftables(20, 0x11, '(16 are there)').slice(0, 5),
)

console.log(`${count} invalid vectors written`)
