/** Scripts for ports of bridges. A veth's ends have the numbers 2 (`vb`) and 3 (`va`), the bridges 4 and 5. */
import fc, { type Arbitrary } from 'fast-check'
import { ask, DUMPED, type FamilyMessage, type FamilyStep, open, read, settle } from './family-script.ts'
import {
  bridge,
  deleteLink,
  down,
  getLink,
  listAddresses,
  listLinks,
  listNeighbours,
  listRoutes,
  mac,
  newLink,
  setLink,
  up,
  veth,
} from './route-script.ts'

/** RTNLGRP_LINK, of addresses and of routes */
const GROUPS = [1, 5, 7, 9, 11]
/** AF_BRIDGE */
const BRIDGE = 7
const seen: readonly FamilyStep[] = [settle, read('b')]
/** Each message, what it was answered, and what was notified. */
const watch = (...messages: readonly FamilyMessage[]): FamilyStep[] =>
  messages.flatMap((it): FamilyStep[] => [...ask(it), ...seen])
const join = (index: number, master: number): FamilyMessage => setLink({ header: { index }, master })
const leave = (index: number): FamilyMessage => join(index, 0)
/** The ports of bridges, as `bridge link` lists them. */
const listPorts = (): FamilyMessage => listLinks({ header: { family: BRIDGE } })

const made: readonly FamilyStep[] = [
  open('a'),
  open('b', 0, GROUPS),
  ...ask(veth('va', 'vb', 1), bridge('br0', 7), bridge('br1', 8)),
  ...seen,
]

const end = fc.constantFrom(2, 3)
const bridges = fc.constantFrom(4, 5)
/** What happens to a veth and two bridges, the second one without an address of its own. */
const change: Arbitrary<FamilyMessage> = fc.oneof(
  fc.tuple(end, fc.constantFrom(0, 4, 5)).map(([index, master]) => join(index, master)),
  fc.tuple(end, fc.constantFrom(0, 4, 5)).map(([index, master]) => join(index, master)),
  fc.constantFrom(2, 3, 4, 5).map(up),
  fc.constantFrom(2, 3, 4, 5).map(up),
  fc.constantFrom(2, 3, 4, 5).map(down),
  fc.tuple(bridges, fc.constantFrom(1, 3, 4, 99)).map(([index, master]) => join(index, master)),
  fc
    .tuple(fc.constantFrom(2, 3, 2, 3, 4, 5), fc.constantFrom(1400, 1500, 1300))
    .map(([index, mtu]) => setLink({ header: { index }, mtu })),
  fc
    .tuple(fc.constantFrom(2, 3, 2, 3, 4, 5), fc.constantFrom(20, 21, 22))
    .map(([index, last]) => setLink({ header: { index }, address: mac(last) })),
  fc
    .tuple(fc.constantFrom(2, 3, 4, 5), fc.constantFrom(0, 4, 5), fc.constantFrom(0, 1))
    .map(([index, master, flags]) => setLink({ header: { index, flags, change: 1 }, master })),
  fc.constantFrom('va', 'br0', 'br1').map((ifname) => deleteLink({ ifname })),
)

export const anyBridgeScript: Arbitrary<FamilyStep[]> = fc
  .array(change, { minLength: 5, maxLength: 25 })
  .map((changes) => [
    open('a'),
    open('b', 0, GROUPS),
    ...ask(veth('va', 'vb', 1), bridge('br0', 7), newLink({ ifname: 'br1', linkinfo: { kind: 'bridge' } })),
    // The second one loses the address that the kernel has chosen.
    ...ask(join(2, 5)),
    ...seen,
    ...watch(...changes),
    ...ask(listLinks(), listPorts(), listRoutes({ header: { family: 10 } }), listAddresses()),
  ])

export const bridgeScripts: Readonly<Record<string, readonly FamilyStep[]>> = {
  'a port of a bridge': [
    ...made,
    ...watch(join(2, 4)),
    ...ask(getLink({ header: { index: 2 } }), getLink({ ifname: 'br0' }), listPorts()),
    ...watch(join(2, 4), join(2, 5)),
    ...ask(listPorts()),
    ...watch(leave(2), leave(2), leave(4)),
    ...ask(listLinks(), listPorts()),
  ],
  'ports that come up and go down': [
    ...made,
    ...watch(join(2, 4), up(4), up(2), up(3), join(3, 4)),
    ...ask(listLinks(), listPorts()),
    ...watch(down(2), up(2), down(4), up(4), leave(2)),
    ...ask(listLinks(), listPorts()),
    ...watch(leave(3), down(4)),
    ...ask(listLinks()),
  ],
  'ports of a link that is up': [
    ...made,
    ...watch(up(2), up(3), up(4), join(2, 4), join(2, 5), up(5), down(5), deleteLink({ ifname: 'br1' })),
    ...ask(listLinks(), listPorts()),
    ...watch(join(2, 4), deleteLink({ ifname: 'va' })),
    ...ask(listLinks(), listPorts()),
  ],
  'masters that cannot be': [
    ...made,
    ...ask(join(4, 4), join(4, 5), join(1, 4), join(2, 99), join(2, 3), join(2, 2), join(2, 1), join(2, 0xffffffff)),
    ...ask(setLink({ header: { index: 2 }, master: 99, ifname: 'vz', mtu: 1400 })),
    ...ask(newLink({ ifname: 'br2', master: 4, linkinfo: { kind: 'bridge' }, address: mac(9) })),
    ...ask(newLink({ ifname: 'br3', master: 99, linkinfo: { kind: 'bridge' }, address: mac(9) })),
    ...ask(veth('vc', 'vd', 11, { master: 99 }), veth('vc', 'vd', 11, { master: 3 })),
    ...seen,
    ...ask(listLinks()),
  ],
  'links that are made as ports': [
    ...made,
    ...watch(
      veth('vc', 'vd', 11, { master: 4 }),
      veth('ve', 'vf', 13, { master: 4, header: { flags: 1, change: 1 } }),
      up(4),
      veth('vg', 'vh', 15, { master: 4, header: { flags: 1, change: 1 } }),
    ),
    ...ask(listLinks(), listPorts()),
    ...watch(deleteLink({ ifname: 'br0' })),
    ...ask(listLinks(), listPorts()),
  ],
  'a port and more in one request': [
    ...made,
    ...watch(setLink({ header: { index: 4, flags: 1, change: 1 }, master: 5 }), up(4), up(3)),
    ...watch(setLink({ header: { index: 2, flags: 1, change: 1 }, master: 4, mtu: 1400, txqlen: 9, group: 3 })),
    ...watch(setLink({ header: { index: 2, flags: 0, change: 1 }, master: 5, txqlen: 11 })),
    ...watch(setLink({ header: { index: 3 }, master: 99, txqlen: 12, mtu: 1450 }), bridge('br2', 9, { mtu: 1400 })),
    ...watch(join(3, 6), setLink({ header: { index: 6 }, mtu: 1500 }), leave(3)),
    ...ask(listLinks(), listPorts()),
  ],
  'two ends of a veth in one bridge, removed': [
    ...made,
    ...watch(up(4), up(2), up(3), join(3, 4), join(2, 4), deleteLink({ ifname: 'vb' })),
    ...ask(listLinks(), listPorts()),
    ...watch(veth('va', 'vb', 1), join(6, 4), join(7, 5), up(5), up(6), up(7), deleteLink({ ifname: 'br0' })),
    ...ask(listLinks(), listPorts()),
  ],
  'requests for ports': [
    ...made,
    ...ask(join(2, 4)),
    ...ask(
      getLink({ header: { family: BRIDGE, index: 2 } }),
      newLink({ header: { family: BRIDGE }, ifname: 'br2', address: mac(9), linkinfo: { kind: 'bridge' } }),
      listLinks({ header: { family: BRIDGE, index: 2 } }),
      listLinks({ header: { family: BRIDGE, flags: 1 } }),
      listLinks({ header: { family: BRIDGE, type: 1 } }),
      listLinks({ header: { family: BRIDGE }, ifname: 'vb' }),
      listLinks({ header: { family: BRIDGE }, extMask: 8 }),
      { type: 18, flags: DUMPED, body: Uint8Array.of(BRIDGE, 0, 0, 0) },
    ),
    ...ask(listLinks({ header: { family: 2 } })),
  ],
  'a bridge that takes the address of a port': [
    open('a'),
    open('b', 0, GROUPS),
    ...ask(veth('va', 'vb', 1), newLink({ ifname: 'br0', linkinfo: { kind: 'bridge' } })),
    ...seen,
    ...watch(join(3, 4), join(2, 4)),
    ...watch(leave(3), leave(2), join(3, 4)),
    ...watch(setLink({ header: { index: 4 }, address: mac(60) }), join(2, 4)),
    ...ask(listLinks()),
  ],
  'ports that are changed': [
    ...made,
    ...watch(join(2, 4), up(4), up(2), up(3)),
    ...watch(
      setLink({ header: { index: 2 }, mtu: 1400 }),
      setLink({ header: { index: 2 }, address: mac(40) }),
      setLink({ header: { index: 2 }, ifname: 'vx' }),
      setLink({ header: { index: 2 }, group: 4, ifalias: 'x' }),
      setLink({ header: { index: 2 }, txqlen: 77 }),
      join(3, 4),
      setLink({ header: { index: 4 }, mtu: 1300 }),
      setLink({ header: { index: 2 }, mtu: 1350 }),
      leave(2),
      leave(3),
    ),
    ...ask(listLinks(), listNeighbours()),
  ],
}
