/** The hand-written scripts for nf_tables: requests, refusals, and the results for packets. */
import {
  BatchMessage,
  BitwiseOperation,
  batchAttributes,
  ChainFlag,
  CompareOperation,
  CompatMessage,
  ConntrackKey,
  CopyMode,
  chainAttributes,
  compatAttributes,
  type Expression,
  Family,
  Hook,
  LogMessage,
  logConfigAttributes,
  logTargetInformation,
  MetaKey,
  NfTablesMessage,
  PayloadBase,
  QueueCommand,
  QueueMessage,
  queueConfigAttributes,
  queueTargetInformation,
  queueVerdict,
  RuleVerdict,
  ruleAttributes,
  SetFlag,
  Subsystem,
  setAttributes,
  TableFlag,
  tableAttributes,
  Verdict,
} from '@ringlink/codec'
import {
  alone,
  base,
  batch,
  bytes16,
  bytes32,
  Create,
  chain,
  cmp,
  counter,
  deleteChain,
  deleteRule,
  deleteTable,
  delivered,
  dumps,
  Exclusive,
  each,
  elements,
  message,
  meta,
  type NfMessage,
  type NfStep,
  nfPorts,
  opened,
  payload,
  Replace,
  read,
  rule,
  send,
  set,
  table,
  traffic,
  udpTo,
  verdict,
} from './nftables-script.ts'

const { Accept, Continue, Drop, Goto, Jump, Return, Break } = RuleVerdict
const [first, second, third] = nfPorts
const counters: NfStep = { do: 'counters', socket: 'a' }

/** Which tables there can be, and who may change them. */
function tables(): NfStep[] {
  const { Owner, Dormant, Persist } = TableFlag
  return [
    ...opened,
    ...each([0, 1, 2, 3, 4, 5, 7, 10, 11, 255].map((family) => table('t', {}, { family }))),
    ...each([
      table('t', {}, { flags: Create | Exclusive }),
      table('t', {}, { flags: Replace }),
      table('t', {}, { flags: 0 }),
      table('other', {}, { flags: 0 }),
      table('flags', { flags: 8 }),
      table('flags', { flags: 0xffffffff }),
      table('data', { userData: new Uint8Array(256).fill(7) }),
      table('dormant', { flags: Dormant }),
      table('dormant', { flags: 0 }),
      table('dormant', { flags: Dormant }),
      table('t', { flags: Owner }),
      table('t', { flags: Persist }),
      table('owned', { flags: Owner }),
      table('owned', { flags: 0 }),
      table('owned', { flags: Owner | Persist }),
      table('owned', { flags: Owner | Dormant }),
      table('kept', { flags: Owner | Persist }),
      table('x'.repeat(255)),
      message(NfTablesMessage.NewTable, tableAttributes, {}),
      message(NfTablesMessage.NewTable, tableAttributes, {
        unknown: [{ type: 1, bits: 0, payload: new Uint8Array(0) }],
      }),
      message(NfTablesMessage.NewTable, tableAttributes, {
        unknown: [{ type: 1, bits: 0, payload: new Uint8Array(300).fill(65) }],
      }),
      message(NfTablesMessage.NewTable, tableAttributes, {
        name: 'short',
        unknown: [{ type: 2, bits: 0, payload: new Uint8Array(2) }],
      }),
      message(NfTablesMessage.NewTable, tableAttributes, {
        name: 'u',
        unknown: [{ type: 6, bits: 0, payload: new Uint8Array(257) }],
      }),
    ]),
    ...dumps(),
    // Owned by another socket.
    ...[
      table('owned'),
      deleteTable({ name: 'owned' }),
      chain({ table: 'owned', name: 'c' }),
      deleteTable({ name: 'missing' }),
      deleteTable({ handle: 1n }),
      deleteTable({ handle: 99n }),
      deleteTable({ name: 'missing' }, {}, NfTablesMessage.DestroyTable),
      deleteTable({ name: 'owned' }, {}, NfTablesMessage.DestroyTable),
    ].flatMap((it) => [batch([it], { socket: 'b' }), read('b')]),
    ...dumps('b', Family.Inet),
    ...alone([
      message(NfTablesMessage.GetTable, tableAttributes, { name: 'owned' }),
      message(NfTablesMessage.GetTable, tableAttributes, { name: 'missing' }),
      message(NfTablesMessage.GetTable, tableAttributes, {}),
      message(NfTablesMessage.NewTable, tableAttributes, { name: 'unbatched' }),
    ]),
    // The owner goes, and comes again.
    { do: 'close', socket: 'a' },
    ...dumps('b'),
    batch([table('kept', { flags: Owner | Persist }), chain({ table: 'kept', name: 'c' })], { socket: 'b' }),
    read('b'),
    ...dumps('b'),
    batch([deleteTable({}, { family: 2 })], { socket: 'b' }),
    batch([deleteTable({}, { family: 0 })], { socket: 'b' }),
    read('b'),
    ...dumps('b'),
  ]
}

/** Begin, End, what is between them, and what goes wrong with all of it. */
function batches(): NfStep[] {
  const begin = (resourceId: number, flags = 4, generation?: number) =>
    message(BatchMessage.Begin, batchAttributes, { generation }, { flags, family: 0, resourceId })
  const end = message(BatchMessage.End, batchAttributes, {}, { family: 0, resourceId: Subsystem.NfTables })
  return [
    ...opened.map((it) => (it.do === 'open' && it.socket === 'b' ? { ...it, groups: [7] } : it)),
    batch([]),
    read(),
    batch([table('t')], { ends: false }),
    read(),
    batch([table('t'), table('broken', { flags: 64 }), chain({ name: 'c' }), chain({ name: 'c', table: 'missing' })]),
    read(),
    ...dumps(),
    batch([table('t')], { generation: 1 }),
    batch([table('t2')], { generation: 1 }),
    batch([table('t2')], { generation: 77 }),
    batch([table('t2')], { generation: 2, flags: 0 }),
    batch([], { flags: 0 }),
    read(),
    ...dumps(),
    ...alone([end, begin(Subsystem.NfTables), begin(13), begin(1), begin(0x0a00), begin(3)]),
    send([begin(Subsystem.NfTables), begin(Subsystem.NfTables), table('t3'), end]),
    send([begin(Subsystem.NfTables), table('t3'), begin(Subsystem.NfTables), end]),
    send([begin(Subsystem.NfTables), table('t4'), end, table('t5')]),
    read(),
    send([begin(Subsystem.NfTables), { ...table('t6'), flags: 4 }, end]),
    send([begin(Subsystem.NfTables), { ...table('t6'), type: 3 }, end]),
    send([begin(Subsystem.NfTables), { ...table('t6'), type: 0x300 }, end]),
    send([begin(Subsystem.NfTables), { ...table('t6'), type: NfTablesMessage.GetTable }, end]),
    send([begin(Subsystem.NfTables), { ...table('t6'), type: NfTablesMessage.NewGeneration }, end]),
    send([begin(Subsystem.NfTables), { ...table('t6'), type: 0x0aff }, end]),
    read(),
    send([begin(Subsystem.NfTables), table('t7'), { ...end, flags: 0 }]),
    read(),
    send([begin(Subsystem.NfTables), { ...table('t8'), body: Uint8Array.of(...table('t8').body, 1, 2) }, end]),
    read(),
    ...dumps(),
  ]
}

/** Chains of all kinds. */
function chains(): NfStep[] {
  const hook = (number: number, priority = 0, more = {}) => ({ number, priority, ...more })
  const families = [1, 2, 3, 5, 7, 10]
  return [
    ...opened,
    batch(families.map((family) => table('t', {}, { family }))),
    read(),
    ...families.flatMap((family) =>
      ['filter', 'nat', 'route', 'other'].flatMap((type) =>
        [0, 1, 2, 3, 4, 5, 6].flatMap((number) =>
          each([chain({ name: `${type}${number}`, type, hook: hook(number) }, { family })]),
        ),
      ),
    ),
    ...each([
      chain({ name: 'c' }),
      chain({ name: 'c' }, { flags: Create | Exclusive }),
      chain({ name: 'c' }, { flags: Replace }),
      chain({ name: 'c', policy: 1 }),
      chain({ name: 'c', hook: hook(3) }),
      chain({ name: 'new', policy: 1 }),
      chain({ name: 'flags', flags: ChainFlag.Base }),
      chain({ name: 'flags', flags: 8 }),
      chain({ name: 'flags', flags: 2 }),
      chain({ name: 'b', hook: hook(3, -5), policy: 0, type: 'filter' }),
      chain({ name: 'b', policy: 1 }),
      chain({ name: 'b', policy: 2 }),
      chain({ name: 'b', hook: hook(3, -5) }),
      chain({ name: 'b', hook: hook(2, -5) }),
      chain({ name: 'b', hook: hook(3, 5) }),
      chain({ name: 'b', hook: hook(3, -5), type: 'route' }),
      chain({ name: 'b', hook: hook(3, -5), type: 'other' }),
      chain({ name: 'b', hook: hook(3, -5), type: 'filter' }),
      chain({ name: 'p', hook: hook(3), policy: 7 }),
      chain({ name: 'no', hook: { number: 3 } }),
      chain({ name: 'no', hook: { priority: 3 } }),
      chain({ name: 'no', hook: hook(3, 0, { device: 'lo' }) }),
      chain({ name: 'nat', hook: hook(3, -200), type: 'nat' }),
      chain({ name: 'nat', hook: hook(3, -199), type: 'nat' }),
      chain({ name: 'counted', hook: hook(3), counters: { packets: 3n, bytes: 5n } }),
      chain({ name: 'counted', hook: hook(3), counters: { packets: 3n } }),
      chain({ name: 'counted2', hook: hook(3), counters: { packets: 3n } }),
      chain({ name: 'c', counters: { packets: 3n, bytes: 5n } }),
      chain({ handle: 1n, name: 'renamed' }),
      chain({ handle: 999n, name: 'renamed' }),
      chain({}),
      chain({ id: 7 }),
      chain({ table: 'missing', name: 'c' }),
      chain({ table: undefined, name: 'c' }),
      chain({ name: 'data', userData: Uint8Array.of(1, 2, 3) }),
      chain({ name: 'ingress', hook: hook(5, 0, { device: 'lo' }), type: 'filter' }),
      chain({ name: 'egress', hook: hook(1, 0, { devices: [{ name: 'lo' }] }), type: 'filter' }, { family: 5 }),
    ]),
    ...dumps(),
    ...alone([
      message(NfTablesMessage.GetChain, chainAttributes, { table: 't', name: 'b' }),
      message(NfTablesMessage.GetChain, chainAttributes, { table: 't', name: 'missing' }),
      message(NfTablesMessage.GetChain, chainAttributes, { table: 'missing', name: 'b' }),
      message(NfTablesMessage.GetChain, chainAttributes, { name: 'b' }),
      message(NfTablesMessage.GetChain, chainAttributes, { table: 't' }),
    ]),
    batch([rule([verdict(Jump, 'c')], { chain: 'b' }), rule([], { chain: 'c' })]),
    read(),
    ...each([
      deleteChain({ name: 'c' }),
      deleteChain({ name: 'c' }, { flags: 0x100 }),
      deleteChain({ name: 'missing' }),
      deleteChain({ name: 'missing' }, {}, NfTablesMessage.DestroyChain),
      deleteChain({ handle: 999n }),
      deleteChain({}),
      deleteChain({ name: 'b' }, { flags: 0x100 }),
      deleteChain({ name: 'b' }),
      deleteChain({ name: 'c' }),
      deleteTable({ name: 't' }, { flags: 0x100 }),
    ]),
    ...dumps(),
  ]
}

/** Where rules go, and how they are named. */
function rules(): NfStep[] {
  const named = (text: string, more = {}, options = {}) =>
    rule([], { userData: new TextEncoder().encode(text), ...more }, options)
  return [
    ...opened,
    batch([
      table('t'),
      base(),
      chain({ name: 'r' }),
      named('one'),
      named('two'),
      named('three', {}, { flags: Create }),
    ]),
    read(),
    ...dumps(),
    ...each([
      named('after 3', { position: 3n }),
      named('before 3', { position: 3n }, { flags: Create }),
      named('at 99', { position: 99n }),
      named('replaces 4', { handle: 4n }, { flags: Replace }),
      named('is there', { handle: 4n }, { flags: Create | Exclusive }),
      named('is there', { handle: 4n }, { flags: Create }),
      named('is not', { handle: 99n }, { flags: Replace }),
      named('no create', {}, { flags: 0 }),
      named('no create', {}, { flags: Replace | Create }),
      named('no chain', { chain: 'missing' }),
      named('no table', { table: 'missing' }),
      named('no chain', { chain: undefined }),
      named('no table', { table: undefined }),
      named('no id', { chain: undefined, chainId: 9 }),
      named('no id', { positionId: 9 }),
      deleteRule({ chain: 'c', handle: 99n }),
      deleteRule({ chain: 'c', handle: 99n }, {}, NfTablesMessage.DestroyRule),
      deleteRule({ chain: 'missing' }),
      deleteRule({ chain: 'missing' }, {}, NfTablesMessage.DestroyRule),
      deleteRule({ chain: 'c', id: 4 }),
      deleteRule({ table: 'missing' }),
    ]),
    batch([
      chain({ name: 'new', id: 3 }),
      named('by id', { chain: undefined, chainId: 3, id: 1 }),
      named('after', { chain: undefined, chainId: 3, positionId: 1 }),
      named('before', { chain: undefined, chainId: 3, positionId: 1 }, { flags: Create }),
      rule([{ name: 'immediate', data: { destinationRegister: 0, data: { verdict: { code: Jump, chainId: 3 } } } }]),
      deleteRule({ chain: 'new', id: 1 }),
    ]),
    read(),
    ...dumps(),
    batch([deleteRule({ chain: 'c', handle: 4n }), deleteRule({ chain: 'c', handle: 4n })]),
    batch([
      deleteRule({ chain: 'c', handle: 4n }),
      named('after', { position: 4n }),
      named('r', { handle: 4n }, { flags: Replace }),
    ]),
    batch([deleteRule({ chain: 'c', handle: 4n }), named('after removed', { position: 4n })]),
    batch([named('again', { handle: 3n }, { flags: Replace }), named('and again', { handle: 3n }, { flags: Replace })]),
    read(),
    ...dumps(),
    ...alone([
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 't', chain: 'c', handle: 3n }),
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 't', chain: 'c', handle: 99n }),
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 't', chain: 'c' }),
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 't', chain: 'x', handle: 3n }),
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 'x', chain: 'x', handle: 3n }),
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 't', chain: 'new' }, { flags: 0x300 }),
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 'x', chain: 'new' }, { flags: 0x300 }),
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 't', chain: 'x' }, { flags: 0x300 }),
      message(NfTablesMessage.GetRule, ruleAttributes, { table: 't' }, { flags: 0x300, family: 2 }),
      message(NfTablesMessage.GetRule, ruleAttributes, { chain: 'c' }, { flags: 0x300 }),
    ]),
    batch([deleteRule({ chain: 'c' })]),
    ...dumps(),
    batch([deleteRule({})]),
    read(),
    ...dumps(),
  ]
}

/** Jumps that are too deep, go round, or go where none may go. */
function jumps(): NfStep[] {
  const names = Array.from({ length: 18 }, (_, i) => `j${i}`)
  return [
    ...opened,
    batch([table('t'), base(), ...names.map((name) => chain({ name }))]),
    read(),
    ...each([
      rule([verdict(Jump, 'missing')]),
      rule([verdict(Jump, 'c')]),
      rule([verdict(Jump)]),
      rule([verdict(Jump, 'j0')], { chain: 'j0' }),
      rule([verdict(2)]),
      rule([verdict(3)]),
      rule([verdict(0x10003)]),
      rule([verdict(-6)]),
      ...[Accept, Drop, Continue, Break, Return].map((code) => rule([verdict(code)], { chain: 'j17' })),
    ]),
    ...dumps(),
    batch(names.slice(1).map((name, i) => rule([verdict(Jump, name)], { chain: names[i] }))),
    read(),
    batch([rule([verdict(Jump, 'j3')])]),
    read(),
    batch([rule([verdict(Jump, 'j2')])]),
    read(),
    batch([rule([verdict(Jump, 'j0')])]),
    read(),
    batch([rule([verdict(Goto, 'j5')], { chain: 'j9' })]),
    read(),
    batch([
      table('t2'),
      base('c', 0, { table: 't2' }),
      rule([], { table: 't2' }),
      rule([verdict(Goto, 'j5')], { chain: 'j9' }),
      rule([]),
    ]),
    read(),
    ...dumps(),
  ]
}

/** Every expression, with what it refuses. */
function expressions(): NfStep[] {
  const value = (length: number) => ({ value: new Uint8Array(length).fill(1) })
  const load = meta(MetaKey.Mark)
  const wide = payload(PayloadBase.Network, 0, 16)
  const raw = (name: string, type: number, length: number): Expression =>
    ({
      name,
      unknown: [{ type: 2, bits: 0, payload: Uint8Array.of(4 + length, 0, type, 0, ...new Uint8Array(length)) }],
    }) as Expression
  const bitwise = (data: object): Expression => ({
    name: 'bitwise',
    data: { sourceRegister: 1, destinationRegister: 1, length: 4, ...data },
  })
  const range = (data: object): Expression => ({
    name: 'range',
    data: { sourceRegister: 1, operation: 0, from: value(4), to: value(4), ...data },
  })
  const limit = (data: object): Expression => ({ name: 'limit', data: { rate: 10n, unit: 1n, ...data } })
  const target = (data: object): Expression => ({
    name: 'target',
    data: {
      name: 'NFQUEUE',
      revision: 3,
      information: queueTargetInformation({ number: 0, total: 1, flags: 0 }),
      ...data,
    },
  })
  const nflog = (data: object = {}): Expression => ({
    name: 'target',
    data: {
      name: 'NFLOG',
      revision: 0,
      information: logTargetInformation({ group: 5, copyRange: 7, threshold: 2, prefix: 'p' }),
      ...data,
    },
  })
  const queued = (number: number, total: number, flags: number) =>
    target({ information: queueTargetInformation({ number, total, flags }) })
  const lists: Expression[][] = [
    [],
    [{ name: 'missing' } as Expression],
    [{ name: 'queue', data: { number: 1 } }],
    [{} as Expression],
    [meta(99)],
    ...Array.from({ length: 30 }, (_, key) => [meta(key)]).filter(
      (_, key) => ![13, 14, 17, 18, 25, 26, 27, 28, 29].includes(key),
    ),
    ...[0, 1, 4, 5, 7, 8, 20, 23, 24, 1000].map((register) => [meta(MetaKey.Mark, register)]),
    ...[20, 21, 23].map((register) => [meta(MetaKey.InputDeviceName, register)]),
    [{ name: 'meta' }],
    [{ name: 'meta', data: { key: 3 } }],
    [{ name: 'meta', data: { key: 3, sourceRegister: 1 } }],
    [load, { name: 'meta', data: { key: 3, sourceRegister: 1 } }],
    [load, { name: 'meta', data: { key: 2, sourceRegister: 8 } }],
    [load, { name: 'meta', data: { key: 3, sourceRegister: 9 } }],
    [load, { name: 'meta', data: { key: 0, sourceRegister: 1 } }],
    [load, { name: 'meta', data: { key: 3, sourceRegister: 1, destinationRegister: 1 } }],
    [raw('meta', 2, 2)],
    ...[0, 1, 2, 3, 4, 5].map((base) => [payload(base, 0, 2)]),
    [payload(1, 255, 1)],
    [payload(1, 256, 1)],
    [payload(1, 65535, 1)],
    [payload(1, 65536, 1)],
    [payload(1, 0, 0)],
    [payload(1, 0, 64)],
    [payload(1, 0, 65)],
    [payload(1, 0, 255)],
    [payload(1, 0, 256)],
    [payload(1, 0, 16, 4)],
    [payload(1, 0, 17, 4)],
    [{ name: 'payload', data: { base: 1, offset: 0 } }],
    [{ name: 'payload', data: { base: 1, offset: 0, length: 2 } }],
    [cmp(bytes32(1))],
    ...[0, 1, 2, 3, 4, 5, 6].map((operation) => [load, cmp(bytes32(1), operation)]),
    ...[1, 2, 3, 4, 5, 8, 16, 17].map((length) => [wide, cmp(new Uint8Array(length), 0)]),
    [load, cmp(new Uint8Array(0))],
    [load, cmp(new Uint8Array(8))],
    [load, cmp(bytes32(1), 0, 0)],
    [load, { name: 'cmp', data: { sourceRegister: 1, operation: 0 } }],
    [load, { name: 'cmp', data: { sourceRegister: 1, operation: 0, data: {} } }],
    [load, { name: 'cmp', data: { sourceRegister: 1, operation: 0, data: { verdict: { code: 1 } } } }],
    [cmp(bytes32(1)), { name: 'missing' } as Expression],
    [load, bitwise({ mask: value(4), xor: value(4) })],
    [load, bitwise({ mask: value(4), xor: value(4), operation: 0 })],
    [load, bitwise({ mask: value(4) })],
    [load, bitwise({ mask: value(3), xor: value(4) })],
    [load, bitwise({ mask: value(4), xor: value(4), data: value(4) })],
    [wide, bitwise({ length: 16, mask: value(16), xor: value(16) })],
    [wide, bitwise({ length: 17, mask: value(17), xor: value(17) })],
    [load, bitwise({ length: 0, mask: value(4), xor: value(4) })],
    [load, bitwise({ length: 256, mask: value(4), xor: value(4) })],
    ...[BitwiseOperation.LeftShift, BitwiseOperation.RightShift].flatMap((operation) => [
      [load, bitwise({ operation, data: { value: bytes32(3) } })],
      [load, bitwise({ operation, data: { value: bytes32(32) } })],
      [load, bitwise({ operation, data: { value: bytes16(3) } })],
      [load, bitwise({ operation })],
    ]),
    ...[BitwiseOperation.And, BitwiseOperation.Or, BitwiseOperation.Xor, 6].flatMap((operation) => [
      [load, bitwise({ operation, data: value(4) })],
      [load, bitwise({ operation, secondSourceRegister: 1 })],
      [load, bitwise({ operation })],
    ]),
    [load, range({})],
    [load, range({ operation: 1 })],
    [load, range({ operation: 2 })],
    [
      wide,
      { name: 'byteorder', data: { sourceRegister: 1, destinationRegister: 2, operation: 0, length: 256, size: 4 } },
    ],
    [
      wide,
      { name: 'byteorder', data: { sourceRegister: 1, destinationRegister: 2, operation: 0, length: 8, size: 256 } },
    ],
    [load, range({ to: value(3) })],
    [load, range({ to: undefined })],
    ...[2, 4, 8, 3].map((size): Expression[] => [
      wide,
      { name: 'byteorder', data: { sourceRegister: 1, destinationRegister: 2, operation: 1, length: 8, size } },
    ]),
    [
      wide,
      { name: 'byteorder', data: { sourceRegister: 1, destinationRegister: 2, operation: 2, length: 8, size: 4 } },
    ],
    // Numbers that are more than one, or wider than what there is.
    ...[
      [2, 2],
      [2, 4],
      [4, 8],
      [6, 4],
      [12, 4],
    ].map(([length, size]): Expression[] => [
      wide,
      { name: 'byteorder', data: { sourceRegister: 1, destinationRegister: 2, operation: 0, length, size } },
    ]),
    [{ name: 'immediate', data: { destinationRegister: 1, data: value(4) } }],
    [{ name: 'immediate', data: { destinationRegister: 1, data: value(16) } }],
    [{ name: 'immediate', data: { destinationRegister: 1, data: value(17) } }],
    [{ name: 'immediate', data: { destinationRegister: 0, data: value(4) } }],
    [{ name: 'immediate', data: { destinationRegister: 1, data: { verdict: { code: 1 } } } }],
    [{ name: 'immediate', data: { destinationRegister: 1 } }],
    [{ name: 'immediate' }],
    [counter],
    [{ name: 'counter', data: { packets: 5n } }],
    [{ name: 'counter' }],
    [raw('counter', 1, 4)],
    [limit({})],
    [limit({ rate: 0n })],
    [limit({ rate: undefined })],
    [limit({ unit: undefined })],
    [limit({ unit: 1n << 40n })],
    [limit({ burst: 7, type: 0, flags: 1 })],
    [limit({ burst: 0, type: 1 })],
    [limit({ burst: 7, type: 1 })],
    [limit({ type: 2 })],
    [limit({ flags: 2 })],
    [limit({ rate: (1n << 64n) - 1n, burst: 9 })],
    [{ name: 'log' }],
    [{ name: 'log', data: { group: 5 } }],
    [{ name: 'log', data: { group: 5, prefix: 'p', copyRange: 0, threshold: 0 } }],
    [{ name: 'log', data: { group: 5, prefix: '', copyRange: 10, threshold: 4 } }],
    [{ name: 'log', data: { group: 5, level: 1 } }],
    [{ name: 'log', data: { group: 5, flags: 1 } }],
    [{ name: 'log', data: { level: 8, flags: 3, prefix: 'p'.repeat(127) } }],
    [{ name: 'log', data: { level: 9 } }],
    [{ name: 'log', data: { flags: 0x40 } }],
    [{ name: 'notrack' }],
    ...[0, 1, 2, 3].map((key): Expression[] => [{ name: 'ct', data: { key, destinationRegister: 1 } }]),
    [{ name: 'ct', data: { key: 0, destinationRegister: 1, direction: 0 } }],
    [{ name: 'ct', data: { key: 0 } }],
    [target({})],
    [target({ revision: 4 })],
    [target({ name: 'MISSING' })],
    [target({ information: new Uint8Array(5) })],
    [target({ information: new Uint8Array(9) })],
    [target({ information: undefined })],
    [queued(0, 0, 0)],
    [queued(65535, 2, 0)],
    [queued(3, 4, 3)],
    [queued(3, 4, 4)],
    [nflog()],
    [nflog({ revision: 1 })],
    [nflog({ information: new Uint8Array(80).fill(1) })],
    [nflog({ information: new Uint8Array(79) })],
    [{ name: 'lookup', data: { set: 'missing', sourceRegister: 1 } }],
    [{ name: 'lookup', data: { sourceRegister: 1 } }],
    Array.from({ length: 129 }, () => counter),
  ]
  return [
    ...opened,
    batch(
      [1, 2, 3, 7, 10].flatMap((family) => [
        table('t', {}, { family }),
        chain({ name: 'c', hook: { number: family === 3 ? 1 : 3, priority: 0 }, type: 'filter' }, { family }),
      ]),
    ),
    read(),
    ...lists.flatMap((list) => each([rule(list)])),
    ...[1, 2, 10].flatMap((family) =>
      [target({}), nflog()].flatMap((it) => each([rule([it], {}, { flags: Create, family })])),
    ),
    ...[1, 2, 3, 7, 10].flatMap((family) =>
      [{ group: 5 }, {}].flatMap((data) => each([rule([{ name: 'log', data }], {}, { flags: Create, family })])),
    ),
    batch([rule([meta(99)]), rule([counter]), rule([{ name: 'missing' } as Expression])]),
    read(),
    ...dumps(),
    batch([message(NfTablesMessage.NewRule, ruleAttributes, { table: 't', chain: 'c' }, { flags: Create | 4 })]),
    read(),
    ...alone([message(NfTablesMessage.GetAndResetRule, ruleAttributes, { table: 't' }, { flags: 0x300 })]),
    ...dumps(),
    ...[2, 10, 7, 3, 1].flatMap((family) =>
      [
        ['NFQUEUE', 3, 1],
        ['NFQUEUE', 0, 1],
        ['NFQUEUE', 4, 1],
        ['NFLOG', 0, 1],
        ['MISSING', 0, 1],
        ['MISSING', 0, 0],
      ].flatMap(([name, revision, type]) =>
        alone([
          message(
            CompatMessage.Get,
            compatAttributes,
            { name: name as string, revision: revision as number, type: type as number },
            { family },
          ),
        ]),
      ),
    ),
  ]
}

/** Keys, operations and revisions that a byte does not hold. */
export function wideNumbers(): NfStep[] {
  const load = meta(MetaKey.Mark)
  const value = { value: new Uint8Array(4) }
  const registers = { sourceRegister: 1, destinationRegister: 1, length: 4, operation: 256 }
  const information = queueTargetInformation({ number: 0, total: 1, flags: 0 })
  const lists: Expression[][] = [
    [meta(256)],
    [load, cmp(bytes32(1), 256)],
    [load, { name: 'range', data: { sourceRegister: 1, operation: 256, from: value, to: value } }],
    [load, { name: 'bitwise', data: { ...registers, mask: value, xor: value } }],
    [load, { name: 'byteorder', data: { ...registers, size: 4 } }],
    [{ name: 'ct', data: { key: 256, destinationRegister: 1 } }],
    [{ name: 'target', data: { name: 'NFQUEUE', revision: 256, information } }],
  ]
  return [...opened, batch([table('t'), base()]), read(), ...lists.flatMap((list) => each([rule(list)])), ...dumps()]
}

/** Sets of keys and of intervals, with and without a name. */
function sets(): NfStep[] {
  const port = (key: number, more = {}) => ({ key: { value: bytes16(key) }, ...more })
  const anonymous = SetFlag.Anonymous | SetFlag.Constant
  const lookup = (data: object): Expression => ({ name: 'lookup', data: { sourceRegister: 1, ...data } })
  const load = udpTo(0).slice(0, 3)
  const ports = (id: number, flags = anonymous) => set({ name: '__set%d', flags, keyType: 13, keyLength: 2, id })
  // A set of two ports with its rule, and one of an interval for `rules`.
  const twoSets = (...rules: NfMessage[]) =>
    batch([
      table('t'),
      base(),
      ports(1),
      elements({ set: '__set%d', setId: 1, elements: [port(first), port(third)] }),
      rule([...load, lookup({ set: '__set%d', setId: 1 }), counter]),
      ports(2, anonymous | SetFlag.Interval),
      elements({
        set: '__set%d',
        setId: 2,
        elements: [port(0, { flags: 1 }), port(second), port(third + 1, { flags: 1 })],
      }),
      ...rules,
    ])
  return [
    ...opened,
    twoSets(
      rule([...load, lookup({ set: '__set%d', setId: 2, flags: 1 }), counter]),
      rule([...load, lookup({ set: '__set1' }), counter]),
    ),
    read(),
    twoSets(rule([...load, lookup({ set: '__set%d', setId: 2 }), counter, verdict(Drop)])),
    read(),
    traffic(first, 2),
    traffic(second, 3),
    traffic(third, 4),
    delivered,
    ...dumps(),
    ...alone([
      message(NfTablesMessage.GetSet, setAttributes, { table: 't', name: '__set0' }),
      message(NfTablesMessage.GetSet, setAttributes, { table: 't', name: 'missing' }),
    ]),
    ...each([
      ports(3),
      set({ name: 'named', keyType: 13, keyLength: 2, id: 4 }),
      set({ name: 'named', keyType: 13, keyLength: 2, id: 4 }, { flags: Create | Exclusive }),
      set({ name: 'other', keyType: 13, keyLength: 2, id: 4 }, { flags: 0 }),
      set({ name: 'other', keyLength: 0, id: 4 }),
      set({ name: 'other', keyLength: 65, id: 4 }),
      set({ name: 'other', keyLength: 2 }),
      set({ name: 'x%x', keyLength: 2, id: 4 }),
      elements({ set: 'named', elements: [port(1), port(2)] }),
      elements({ set: 'named', elements: [port(2), port(3)] }),
      elements({ set: 'named', elements: [port(3)] }, { flags: Create | Exclusive }),
      elements({ set: 'named', elements: [port(4, { flags: 1 })] }),
      elements({ set: 'named', elements: [{ key: { value: bytes32(1) } }] }),
      elements({ set: 'named', elements: [{}] }),
      elements({ set: 'missing', elements: [port(4)] }),
      elements({ set: '__set0', elements: [port(4)] }),
      elements({ set: 'named' }),
      rule([...load, lookup({ set: 'named' })]),
      rule([...load, lookup({ set: 'named', flags: 2 })]),
      rule([...load, lookup({ set: 'named', destinationRegister: 1 })]),
      rule([lookup({ set: 'named' })]),
      message(NfTablesMessage.DeleteSet, setAttributes, { table: 't', name: 'named' }),
      message(NfTablesMessage.DeleteSet, setAttributes, { table: 't', name: 'missing' }),
      deleteRule({ chain: 'c' }),
      message(NfTablesMessage.DeleteSet, setAttributes, { table: 't', name: 'named' }),
    ]),
    ...dumps(),
  ]
}

/** The results for packets, by hooks, priorities, verdicts and matches. */
function packets(): NfStep[] {
  const address = payload(PayloadBase.Network, 16, 4)
  const setMark = (mark: number): Expression[] => [
    { name: 'immediate', data: { destinationRegister: 1, data: { value: bytes32(mark) } } },
    { name: 'meta', data: { key: MetaKey.Mark, sourceRegister: 1 } },
  ]
  const marked = (mark: number): Expression[] => [meta(MetaKey.Mark), cmp(bytes32(mark))]
  const name = (text: string) => new Uint8Array(16).fill(0).map((_, i) => text.charCodeAt(i) || 0)
  const hooks = [Hook.Prerouting, Hook.Input, Hook.Forward, Hook.Output, Hook.Postrouting]
  const all = [traffic(first, 2), traffic(second, 3, 100), traffic(third), delivered]
  return [
    ...opened,
    batch([
      table('t'),
      ...hooks.flatMap((hook) => [
        base(`h${hook}`, 0, { counters: { packets: 0n, bytes: 0n } }, hook),
        rule([...udpTo(second), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.InputDeviceName), cmp(name('lo')), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.OutputDeviceName), cmp(name('lo')), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.InputDeviceName), cmp(name(''), 0), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.OutputDevice), cmp(bytes32(1)), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.InputDevice), cmp(bytes32(1)), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.InputDeviceType), cmp(bytes32(772).subarray(0, 2)), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.UserId), cmp(bytes32(0)), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.GroupId), cmp(bytes32(0), 5), counter], { chain: `h${hook}` }),
        rule([payload(PayloadBase.LinkLayer, 12, 2), cmp(bytes16(0x800)), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.Length), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.Protocol), cmp(bytes16(0x800)), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.Family), cmp(Uint8Array.of(2)), counter], { chain: `h${hook}` }),
        rule([meta(MetaKey.Priority), cmp(bytes32(0)), counter], { chain: `h${hook}` }),
        rule([payload(PayloadBase.Inner, 0, 1), counter], { chain: `h${hook}` }),
        rule([address, cmp(Uint8Array.of(127, 0, 0, 1)), counter], { chain: `h${hook}` }),
        rule([address, cmp(Uint8Array.of(127, 0, 0), 0), counter], { chain: `h${hook}` }),
        rule([payload(PayloadBase.Transport, 8, 100), counter], { chain: `h${hook}` }),
        rule([payload(PayloadBase.Transport, 8, 60), counter], { chain: `h${hook}` }),
      ]),
    ]),
    read(),
    ...all,
    ...dumps(),
    batch([
      deleteTable({ name: 't' }),
      table('t'),
      base('late', 10),
      rule([...udpTo(first), verdict(Drop)], { chain: 'late' }),
    ]),
    ...all,
    // With the same priority the newer chain comes first: the other one sees its mark, not the other way round.
    batch([base('x'), rule([...marked(5), counter], { chain: 'x' }), rule([...setMark(6)], { chain: 'x' })]),
    batch([base('y'), rule([...marked(6), counter], { chain: 'y' }), rule([...setMark(5)], { chain: 'y' })]),
    ...all,
    ...dumps(),
    // Verdicts, jumps, returns and policies.
    batch([
      table('v'),
      ...['c', 'd'].map((it, i) => base(it, -i, { table: 'v', policy: i })),
      chain({ table: 'v', name: 'sub' }),
      chain({ table: 'v', name: 'deep' }),
      rule([...udpTo(second), counter, verdict(Jump, 'sub')], { table: 'v', chain: 'd' }),
      rule([...udpTo(third), counter, verdict(Goto, 'sub')], { table: 'v', chain: 'd' }),
      rule([counter], { table: 'v', chain: 'd' }),
      rule([counter, verdict(Jump, 'deep')], { table: 'v', chain: 'sub' }),
      rule([counter], { table: 'v', chain: 'sub' }),
      rule([counter, verdict(Return)], { table: 'v', chain: 'deep' }),
      rule([counter, verdict(Drop)], { table: 'v', chain: 'deep' }),
      rule([...udpTo(second), counter, verdict(Accept)], { table: 'v', chain: 'c' }),
      rule([...udpTo(third), verdict(Continue), counter], { table: 'v', chain: 'c' }),
      rule([...udpTo(third), verdict(Break), counter], { table: 'v', chain: 'c' }),
      rule([...udpTo(third), verdict(Return)], { table: 'v', chain: 'c' }),
      rule([counter], { table: 'v', chain: 'c' }),
    ]),
    read(),
    ...all,
    ...dumps(),
    batch([table('v', { flags: TableFlag.Dormant })]),
    ...all,
    batch([table('v', { flags: 0 })]),
    ...all,
    batch([chain({ table: 'v', name: 'c', policy: 1 })]),
    ...all,
    ...dumps(),
    batch([deleteTable({ name: 'v' }), deleteTable({ name: 't' })]),
    ...all,
    // Arithmetic.
    batch([
      table('t'),
      base(),
      ...Object.values(CompareOperation).map((operation) =>
        rule([payload(PayloadBase.Transport, 2, 2), cmp(bytes16(second), operation), counter]),
      ),
      ...[0, 1].map((operation) =>
        rule([
          payload(PayloadBase.Transport, 2, 2),
          {
            name: 'range',
            data: { sourceRegister: 1, operation, from: { value: bytes16(second) }, to: { value: bytes16(third) } },
          },
          counter,
        ]),
      ),
      rule([
        payload(PayloadBase.Network, 12, 8),
        {
          name: 'bitwise',
          data: {
            sourceRegister: 1,
            destinationRegister: 2,
            length: 8,
            mask: { value: Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 255) },
            xor: { value: Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0) },
          },
        },
        cmp(Uint8Array.of(127, 0, 0, 0, 1, 0, 0, 1), 0, 2),
        counter,
      ]),
      ...[1, 2].map((operation) =>
        rule([
          payload(PayloadBase.Network, 12, 8),
          {
            name: 'bitwise',
            data: { sourceRegister: 1, destinationRegister: 1, length: 8, operation, data: { value: bytes32(9) } },
          },
          cmp(
            operation === 1
              ? Uint8Array.of(0, 0xfe, 0, 0, 0, 0xfe, 0, 0)
              : Uint8Array.of(0, 0x80, 0, 0, 0, 0x80, 0x80, 0x3f),
          ),
          counter,
        ]),
      ),
      rule([
        payload(PayloadBase.Network, 12, 4),
        { name: 'byteorder', data: { sourceRegister: 1, destinationRegister: 1, operation: 0, length: 4, size: 4 } },
        cmp(bytes32(0x7f000001)),
        counter,
      ]),
      rule([
        payload(PayloadBase.Network, 12, 4),
        { name: 'byteorder', data: { sourceRegister: 1, destinationRegister: 1, operation: 0, length: 4, size: 2 } },
        cmp(Uint8Array.of(0, 127, 1, 0)),
        counter,
      ]),
      rule([{ name: 'limit', data: { rate: 1n, unit: 3600n, burst: 3 } }, counter]),
      rule([{ name: 'limit', data: { rate: 1n, unit: 3600n, burst: 3, flags: 1 } }, counter]),
      rule([{ name: 'limit', data: { rate: 1n, unit: 3600n, burst: 200, type: 1 } }, counter]),
    ]),
    read(),
    ...all,
    ...dumps(),
  ]
}

/** Queues and logs that rules feed by the xtables targets and the expression log, and what flushes the queues. */
function queues(): NfStep[] {
  const queueMessage = (queue: number, config: Parameters<typeof message<typeof queueConfigAttributes>>[2]) =>
    message(QueueMessage.Config, queueConfigAttributes, config, { family: 0, resourceId: queue })
  const bound = (queue: number) =>
    queueMessage(queue, {
      command: { command: QueueCommand.Bind, family: 0 },
      parameters: { copyRange: 64, copyMode: CopyMode.Packet },
    })
  const toQueue = (number: number, flags = 0): Expression => ({
    name: 'target',
    data: { name: 'NFQUEUE', revision: 3, information: queueTargetInformation({ number, total: 1, flags }) },
  })
  const log: Expression = { name: 'log', data: { group: 5, prefix: 'seen', copyRange: 30 } }
  const nflog: Expression = {
    name: 'target',
    data: {
      name: 'NFLOG',
      revision: 0,
      information: logTargetInformation({ group: 5, copyRange: undefined, threshold: 0, prefix: 'target' }),
    },
  }
  const verdicts = (queue: number, ...list: number[]): NfStep => ({
    do: 'verdicts',
    socket: 'a',
    queue,
    verdicts: list,
  })
  const state = [read(), counters, delivered]
  return [
    ...opened,
    send([bound(1)]),
    send([bound(2)]),
    send([
      message(
        LogMessage.Config,
        logConfigAttributes,
        { command: { command: 1 }, threshold: 1 },
        { family: 0, resourceId: 5 },
      ),
    ]),
    read(),
    batch([
      table('t'),
      base(),
      base('after', 5),
      rule([...udpTo(first), counter, log, toQueue(1)]),
      table('n', {}, { family: Family.Ipv4 }),
      chain(
        { table: 'n', name: 'c', hook: { number: Hook.Output, priority: -1 }, type: 'filter' },
        { family: Family.Ipv4 },
      ),
      rule([...udpTo(second), counter, nflog], { table: 'n' }, { family: Family.Ipv4 }),
      rule([...udpTo(second), counter, toQueue(7, 1)]),
      rule([...udpTo(second), counter]),
      rule([...udpTo(third), counter, toQueue(7)]),
      rule([...udpTo(first), counter, toQueue(2)], { chain: 'after' }),
    ]),
    read(),
    traffic(first, 6),
    traffic(second, 2),
    traffic(third, 2),
    ...state,
    verdicts(1, Verdict.Accept, Verdict.Drop, Verdict.Repeat, Verdict.Stop, queueVerdict(2)),
    ...state,
    verdicts(2, Verdict.Accept, Verdict.Repeat, queueVerdict(9, true)),
    verdicts(1, Verdict.Accept),
    ...state,
    ...dumps(),
    // Base chains that go flush the queues; regular ones, and rules, do not.
    batch([chain({ name: 'regular' })]),
    batch([deleteChain({ name: 'regular' })]),
    batch([base('other', 7, {}, Hook.Forward)]),
    traffic(first, 2),
    ...state,
    batch([deleteChain({ name: 'other' })]),
    ...state,
    traffic(first, 1),
    // A batch that is refused takes its base chain away again.
    batch([base('other', 7, {}, Hook.Forward), chain({ name: 'bad', policy: 1 })]),
    ...state,
    traffic(first, 1),
    batch([base('nat', 7, { type: 'nat' }, Hook.Output)]),
    batch([deleteChain({ name: 'nat' })]),
    ...state,
    traffic(first, 1),
    batch([table('t', { flags: TableFlag.Dormant })]),
    ...state,
    batch([table('t', { flags: 0 })]),
    traffic(first, 1),
    batch([deleteRule({ chain: 'c' })]),
    ...state,
    batch([rule([...udpTo(first), toQueue(1)]), table('owned', { flags: TableFlag.Owner })], { socket: 'a' }),
    batch(
      [
        table('mine', { flags: TableFlag.Owner }),
        base('c', 1, { table: 'mine' }),
        rule([...udpTo(second), verdict(Drop)], { table: 'mine' }),
      ],
      {
        socket: 'b',
      },
    ),
    traffic(first, 1),
    traffic(second, 1),
    ...state,
    { do: 'close', socket: 'b' },
    traffic(second, 1),
    ...state,
    ...dumps(),
  ]
}

/** Connections: they are tracked only once a rule needs them, and then the first packet of one is new. */
function tracking(): NfStep[] {
  return [
    ...opened,
    batch([
      table('t'),
      base('c', -300),
      rule([{ name: 'ct', data: { key: ConntrackKey.State, destinationRegister: 1 } }, cmp(bytes32(1)), counter]),
    ]),
    traffic(first, 2),
    batch([
      rule([{ name: 'notrack' }]),
      rule([{ name: 'ct', data: { key: ConntrackKey.State, destinationRegister: 1 } }, cmp(bytes32(0x40)), counter]),
    ]),
    traffic(first, 2),
    ...dumps(),
  ]
}

/** All of them, by name. */
export const nfScripts: Readonly<Record<string, readonly NfStep[]>> = {
  tables: tables(),
  batches: batches(),
  chains: chains(),
  rules: rules(),
  jumps: jumps(),
  expressions: expressions(),
  sets: sets(),
  packets: packets(),
  queues: queues(),
  tracking: tracking(),
}
