/** Scripts about keys of several parts, and about maps: what they refuse, and what they decide about packets. */
import {
  type Expression,
  MetaKey,
  NfTablesMessage,
  PayloadBase,
  RuleVerdict,
  SetFlag,
  setAttributes,
  setElementListAttributes,
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
  read,
  rule,
  set,
  table,
  traffic,
  udpTo,
  verdict,
} from './nftables-script.ts'

const { Accept, Continue, Drop, Goto, Jump, Return, Break } = RuleVerdict
const [first, second, third] = nfPorts

/** 127.0.0.1 and a port, each in whole words. */
const pair = (address: number, port: number): Uint8Array => {
  const key = new Uint8Array(8)
  key.set([127, 0, 0, address])
  key.set(bytes16(port), 4)
  return key
}
const PAIR = { keyType: (7 << 6) | 13, keyLength: 8 } as const
const loadPair = [payload(PayloadBase.Network, 16, 4), payload(PayloadBase.Transport, 2, 2, 9)]
const isUdp = [meta(MetaKey.TransportProtocol), cmp(Uint8Array.of(17))]
const lookup = (data: object): Expression => ({ name: 'lookup', data: { sourceRegister: 1, ...data } })
const get = (name: string, key: Uint8Array): NfMessage =>
  message(
    NfTablesMessage.GetSetElement,
    setElementListAttributes,
    { table: 't', set: name, elements: [{ key: { value: key } }] },
    { flags: 0 },
  )
const remove = (name: string, list?: readonly object[]): NfMessage =>
  message(NfTablesMessage.DeleteSetElement, setElementListAttributes, {
    table: 't',
    set: name,
    ...(list === undefined ? {} : { elements: [...list] }),
  })

/** Keys of two parts, single ones and ranges. */
function pairs(): NfStep[] {
  const ranges = {
    flags: SetFlag.Interval | SetFlag.Concatenation,
    description: { fields: [{ length: 4 }, { length: 2 }] },
  }
  const range = (from: Uint8Array, to: Uint8Array) => ({ key: { value: from }, keyEnd: { value: to } })
  return [
    ...opened,
    batch([
      table('t'),
      base(),
      set({ name: 'single', ...PAIR, id: 1 }),
      set({ name: 'ranges', ...PAIR, ...ranges, id: 2 }),
      rule([...isUdp, ...loadPair, lookup({ set: 'single' }), counter]),
      rule([...isUdp, ...loadPair, lookup({ set: 'ranges' }), counter, verdict(Drop)]),
    ]),
    read(),
    ...each([
      elements({ set: 'single', elements: [{ key: { value: pair(1, first) } }, { key: { value: pair(1, second) } }] }),
      elements({ set: 'single', elements: [{ key: { value: pair(1, first) } }] }, { flags: Create | Exclusive }),
      elements({ set: 'ranges', elements: [range(pair(1, second), pair(3, third))] }),
      elements({ set: 'ranges', elements: [range(pair(1, second), pair(3, third))] }),
      elements({ set: 'ranges', elements: [range(pair(1, second), pair(3, third))] }, { flags: Create | Exclusive }),
      elements({ set: 'ranges', elements: [range(pair(2, second), pair(2, second))] }),
      elements({ set: 'ranges', elements: [range(pair(0, second), pair(2, second))] }),
      elements({ set: 'ranges', elements: [range(pair(7, 9), pair(9, 99))] }),
    ]),
    ...alone([
      get('single', pair(1, first)),
      get('single', pair(1, 9)),
      get('ranges', pair(2, third)),
      get('ranges', pair(8, 50)),
      get('ranges', pair(8, 100)),
    ]),
    traffic(first, 2),
    traffic(second, 3),
    traffic(third, 4),
    delivered,
    ...dumps(),
    ...each([
      remove('single', [{ key: { value: pair(9, 9) } }]),
      remove('ranges', [range(pair(7, 9), pair(9, 99))]),
      remove('ranges', [range(pair(7, 9), pair(9, 99))]),
      remove('single'),
      remove('ranges'),
    ]),
    ...alone([get('single', pair(1, first)), get('ranges', pair(2, third))]),
    traffic(third, 1),
    delivered,
  ]
}

/** Maps from ports to verdicts and marks. */
function maps(): NfStep[] {
  const port = (key: number) => ({ value: bytes16(key) })
  const to = (key: number, code: number, chainName?: string) => ({
    key: port(key),
    data: { verdict: { code, chain: chainName } },
  })
  const mark = (key: number, value: number) => ({ key: port(key), data: { value: bytes32(value) } })
  const verdicts = { flags: SetFlag.Map, keyType: 13, keyLength: 2, dataType: 0xffffff00, dataLength: 0 } as const
  const marks = { flags: SetFlag.Map, keyType: 13, keyLength: 2, dataType: 19, dataLength: 4 } as const
  const load = udpTo(0).slice(0, 3)
  return [
    ...opened,
    batch([
      table('t'),
      base(),
      chain({ name: 'jumped' }),
      chain({ name: 'again' }),
      set({ name: 'verdicts', ...verdicts, id: 1 }),
      set({ name: 'marks', ...marks, id: 2 }),
      rule([
        ...load,
        lookup({ set: 'marks', destinationRegister: 1 }),
        { name: 'meta', data: { key: MetaKey.Mark, sourceRegister: 1 } },
        counter,
      ]),
      rule([meta(MetaKey.Mark), cmp(bytes32(0x50)), counter]),
      rule([...load, lookup({ set: 'verdicts', destinationRegister: 0 }), counter]),
      rule([counter]),
      rule([counter, verdict(Drop)], { chain: 'jumped' }),
    ]),
    read(),
    ...each([
      elements({ set: 'marks', elements: [mark(first, 0x50), mark(second, 7)] }),
      elements({ set: 'marks', elements: [mark(first, 0x50)] }),
      elements({ set: 'marks', elements: [mark(first, 0x51)] }),
      elements({ set: 'marks', elements: [{ key: port(9) }] }),
      elements({
        set: 'verdicts',
        elements: [to(first, Accept), to(second, Jump, 'jumped'), to(third, Goto, 'jumped')],
      }),
      elements({ set: 'verdicts', elements: [to(first, Accept), to(second, Jump, 'jumped')] }),
      elements({ set: 'verdicts', elements: [to(second, Goto, 'jumped')] }),
      elements({ set: 'verdicts', elements: [to(7, Jump, 'missing')] }),
      elements({ set: 'verdicts', elements: [to(7, Jump, 'c')] }),
      elements({ set: 'verdicts', elements: [to(7, Jump)] }),
      elements({ set: 'verdicts', elements: [to(7, 77)] }),
      elements({ set: 'verdicts', elements: [to(8, Continue), to(9, Break), to(10, Return), to(11, Drop)] }),
      deleteChain({ name: 'jumped' }),
      rule([...load, lookup({ set: 'verdicts' })]),
      rule([...load, lookup({ set: 'verdicts', destinationRegister: 1 })]),
      rule([...load, lookup({ set: 'marks', destinationRegister: 0 })]),
    ]),
    ...alone([get('verdicts', bytes16(first)), get('verdicts', bytes16(second)), get('marks', bytes16(first))]),
    traffic(first, 2),
    traffic(second, 3),
    traffic(third, 4),
    delivered,
    ...dumps(),
    ...each([
      // A loop through the map, and then through a rule.
      rule([...load, lookup({ set: 'verdicts', destinationRegister: 0 })], { chain: 'jumped' }),
      rule([verdict(Jump, 'again')], { chain: 'jumped' }),
      elements({ set: 'verdicts', elements: [to(12, Jump, 'again')] }),
      rule([...load, lookup({ set: 'verdicts', destinationRegister: 0 })], { chain: 'again' }),
      remove('verdicts', [{ key: port(second) }, { key: port(third) }, { key: port(12) }]),
      message(NfTablesMessage.DeleteSet, setAttributes, { table: 't', name: 'verdicts' }),
    ]),
    traffic(second, 1),
    delivered,
    ...dumps(),
  ]
}

export const nfMapScripts: Readonly<Record<string, readonly NfStep[]>> = { pairs: pairs(), maps: maps() }
