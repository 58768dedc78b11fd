import { describe, expect, test } from 'vitest'
import {
  AttributeWriter,
  attributeSet,
  attributesFrom,
  beginMessage,
  body,
  bodyFrom,
  bytes,
  enumeration,
  field,
  finishMessage,
  flags,
  indexedArray,
  Memory,
  MessageView,
  multi,
  nested,
  plainAttributes,
  plainBody,
  readAttributes,
  structure,
  text,
  u8,
  u16,
  u32,
  u64,
  union,
  writeAttributes,
} from '../../src/index.ts'
import { inspectText } from '../../src/inspect/index.ts'

const State = { Reachable: 2, NoArp: 0x40 } as const
const Scope = { Universe: 0, Link: 253 } as const
const peer = attributeSet('WGPEER_A', {
  publicKey: bytes(1, 'WGPEER_A_PUBLIC_KEY', 4, 4, 'hex'),
  endpoint: u16(2, 'WGPEER_A_ENDPOINT'),
})
const header = structure({ family: 'u8', padding: 3, state: field('u16', { constants: flags('NUD_', State) }) })
const set = attributeSet('NDA', {
  dst: bytes(1, 'NDA_DST', 0, 16, 'ipv4-or-v6'),
  lladdr: bytes(2, 'NDA_LLADDR', 0, 32, 'mac'),
  scope: u8(3, 'NDA_SCOPE', { constants: enumeration('RT_SCOPE_', Scope) }),
  count: u64(4, 'NDA_COUNT'),
  peers: indexedArray(nested(5, 'NDA_PEERS', peer)),
  ifName: multi(text(6, 'NDA_IFNAME')),
  kind: text(7, 'NDA_KIND'),
  data: union(8, 'NDA_DATA', 'kind', { wireguard: peer }),
  master: u32(9, 'NDA_MASTER', { hint: 'ipv4' }),
})
const neighbour = body(header, set)

describe('plain data', () => {
  const values = {
    header: { family: 10, state: 0x43 },
    dst: Uint8Array.of(0xfe, 0x80, ...new Array(13).fill(0), 1),
    lladdr: Uint8Array.of(2, 0, 0, 0, 0, 0xff),
    scope: 253,
    count: 2n ** 60n,
    peers: [{ publicKey: Uint8Array.of(1, 2, 3, 4) }],
  }
  const plain = {
    header: { family: 10, state: ['reachable', 'no-arp', 1] },
    dst: 'fe80::1',
    lladdr: '02:00:00:00:00:ff',
    scope: 'link',
    count: '1152921504606846976',
    peers: [{ index: 1, value: { publicKey: '01020304' } }],
  }

  test('shows names, addresses and digits', () => {
    expect(plainBody(neighbour, values)).toEqual(plain)
  })

  test('is read back, in any spelling', () => {
    expect(bodyFrom(neighbour, plain)).toEqual(values)
    const spelt = {
      header: { family: 10, state: ['NUD_REACHABLE', 'NoArp', 1] },
      scope: 'RT_SCOPE_LINK',
      'if-name': ['a'],
    }
    expect(bodyFrom(neighbour, spelt)).toEqual({ header: values.header, scope: 253, ifName: ['a'] })
    expect(bodyFrom(neighbour, {})).toEqual({ header: { family: 0, state: 0 } })
  })

  test.each([
    ['::', '::'],
    ['1:0:0:2::3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['2001:DB8::', '2001:db8::'],
    ['192.0.2.255', '192.0.2.255'],
  ])('reads the address %s', (given, shown) => {
    expect(plainAttributes(set, attributesFrom(set, { dst: given })).dst).toBe(shown)
  })

  test.each([
    [{ lladr: 1 }, 'NDA has no attribute "lladr"; did you mean "lladdr"?'],
    [{ peers: [{ publicKey: 'zz' }] }, "peers[0].publicKey must be a Uint8Array or hex as text, got 'zz'"],
    [{ peers: [{ publicKey: '0102' }] }, 'peers[0].publicKey must have 4 bytes, got 2'],
    [{ peers: [{ pubicKey: '' }] }, 'peers[0]: WGPEER_A has no attribute "pubicKey"; did you mean "publicKey"?'],
    [{ scope: 'lnk' }, 'scope must be an integer or one of universe, link, got \'lnk\' (string); did you mean "link"?'],
    [{ scope: 256 }, 'scope must be an integer from 0 to 255, got 256'],
    [{ count: 1.5 }, 'count must be an integer, got 1.5'],
    [{ dst: '300.1.1.1' }, 'dst must be a Uint8Array or ipv4-or-v6 as text'],
    [{ ifName: 'a' }, "ifName must be an array, got 'a'"],
    [{ data: {} }, 'data needs kind, which says what it is'],
    [{ kind: 'wiregard', data: {} }, 'did you mean "wireguard"?'],
    [{ header: { famly: 1 } }, 'header has no field "famly"; did you mean "family"?'],
    [{ header: { state: ['x'] } }, 'header.state[0] must be an integer or one of reachable, no-arp'],
    [{ kind: 5 }, 'kind must be a string, got 5'],
    [[], 'attributes must be an object'],
  ])('refuses %j by its path', (given, message) => {
    expect(() => bodyFrom(neighbour, given)).toThrow(message)
  })
})

test('an inspected message has the names of constants, and nests that are numbered by what they hold', () => {
  const memory = new Memory(256)
  const end = beginMessage(memory, 0, 256, { type: 28, flags: 0, sequence: 1 })
  const writer = new AttributeWriter().wrap(memory, end, 256)
  writeAttributes(writer, set, { scope: 253, peers: [{ endpoint: 7 }], ifName: ['one', 'two'] })
  const length = finishMessage(memory, 0, writer.end)
  expect(new MessageView().wrap(memory, 0, length).type).toBe(28)
  expect(readAttributes(set, memory, end, length - end)).toEqual({
    scope: 253,
    peers: [{ endpoint: 7 }],
    ifName: ['one', 'two'],
  })
  const describe = () => ({ kernelName: 'RTM_NEWNEIGH', headerLength: 0, attributes: set })
  const text = inspectText(memory.u8.slice(0, length), { protocol: 0, describe })
  expect(text).toContain('RT_SCOPE_LINK')
  expect(text).toMatch(/element 0[\s\S]*WGPEER_A_ENDPOINT +7/)
  expect(text).toMatch(/NDA_IFNAME +"one"[\s\S]*NDA_IFNAME +"two"/)
})
