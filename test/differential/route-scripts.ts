/** Scripts for routes. */
import { NewFlag } from '@ringlink/codec'
import { ACKNOWLEDGED, ask, type FamilyStep, open, read, settle } from './family-script.ts'
import {
  deleteAddress,
  deleteRoute,
  down,
  ip4,
  ip6,
  listRoutes,
  newAddress,
  newRoute,
  up,
  veth,
} from './route-script.ts'

const opened: readonly FamilyStep[] = [open('a'), open('b', 0, [7, 11])]
const seen: readonly FamilyStep[] = [settle, read('b')]
const { Create, Replace, Append, Exclusive } = NewFlag
const address = (index: number, text: string) =>
  newAddress({ header: { family: 2, prefixlen: 24, index }, local: ip4(text), address: ip4(text) })
const address6 = (index: number, last: number) =>
  newAddress({ header: { family: 10, prefixlen: 64, index }, local: ip6(last), address: ip6(last) })

type Values = Readonly<Record<string, unknown>>
/** A route of the main table, made by hand. */
const to = (dst: string, dstLen: number, more: Values = {}) => {
  const { header = {}, ...others } = more as { header?: object }
  const known = { family: 2, dstLen, table: 254, protocol: 3, scope: 0, type: 1, ...header }
  return { header: known, ...(dstLen === 0 ? {} : { dst: ip4(dst) }), ...others }
}
const to6 = (first: number, dstLen: number, more: Values = {}) => {
  const { header = {}, ...others } = more as { header?: object }
  const known = { family: 10, dstLen, table: 254, protocol: 3, scope: 0, type: 1, ...header }
  return { header: known, ...(dstLen === 0 ? {} : { dst: ip6(0, first) }), ...others }
}
const links: readonly FamilyStep[] = [
  ...opened,
  ...ask(veth('va', 'vb', 1)),
  settle,
  ...ask(up(2), up(3)),
  ...seen,
  ...ask(address(3, '10.0.0.1'), address(2, '10.9.0.1'), address6(3, 1)),
  ...seen,
]
const via = (gateway: string) => ({ gateway: ip4(gateway) })
const listed = ask(listRoutes({ header: { family: 2 } }))
const listed6 = ask(listRoutes({ header: { family: 10 } }))

export const routeScripts: Readonly<Record<string, readonly FamilyStep[]>> = {
  'routes of IPv4': [
    ...links,
    ...ask(
      newRoute(to('', 0, via('10.0.0.2'))),
      newRoute(to('', 0, via('10.0.0.2'))),
      newRoute(to('', 0, via('10.0.0.3'))),
    ),
    ...ask(
      newRoute(to('192.168.1.0', 24, via('10.0.0.2'))),
      newRoute(to('192.168.2.0', 24, { oif: 3, header: { scope: 253 } })),
    ),
    ...ask(
      newRoute(to('192.168.3.0', 24, { ...via('10.0.0.2'), priority: 50 })),
      newRoute(to('192.168.3.0', 24, { ...via('10.0.0.3'), priority: 60 })),
    ),
    ...ask(
      newRoute(to('192.168.4.0', 24, { header: { type: 6 } })),
      newRoute(to('192.168.5.0', 24, { header: { type: 7 } })),
      newRoute(to('192.168.6.0', 24, { header: { type: 8 } })),
    ),
    ...ask(
      newRoute(to('192.168.7.0', 24, { ...via('10.0.0.2'), header: { table: 100 } })),
      newRoute(to('192.168.8.0', 24, { ...via('10.0.0.2'), table: 1000, header: { table: 0 } })),
    ),
    ...ask(
      newRoute(to('192.168.9.0', 24, { ...via('10.0.0.2'), prefsrc: ip4('10.0.0.1') })),
      newRoute(to('192.168.9.0', 24, { ...via('10.0.0.2'), prefsrc: ip4('10.0.0.77') })),
    ),
    ...seen,
    ...listed,
    ...ask(newRoute(to('192.168.1.0', 24, via('10.0.0.4')), ACKNOWLEDGED | Create | Replace)),
    ...ask(newRoute(to('192.168.1.0', 24, via('10.0.0.5')), ACKNOWLEDGED | Create | Append)),
    ...ask(newRoute(to('192.168.1.0', 24, via('10.0.0.6')), ACKNOWLEDGED | Create)),
    ...ask(newRoute(to('192.168.1.0', 24, via('10.0.0.6')), ACKNOWLEDGED | Append)),
    ...ask(
      newRoute(to('192.168.77.0', 24, via('10.0.0.6')), ACKNOWLEDGED),
      newRoute(to('192.168.77.0', 24, via('10.0.0.6')), ACKNOWLEDGED | Replace),
    ),
    ...ask(
      newRoute(to('192.168.77.0', 24, via('10.0.0.6')), ACKNOWLEDGED | Create | Append),
      newRoute(to('192.168.78.0', 24, via('10.0.0.6')), ACKNOWLEDGED | Create | Replace | Exclusive),
    ),
    ...seen,
    ...listed,
    ...ask(
      deleteRoute(to('192.168.1.0', 24)),
      deleteRoute(to('192.168.1.0', 24, via('10.0.0.99'))),
      deleteRoute(to('192.168.3.0', 24, { priority: 60 })),
    ),
    ...ask(
      deleteRoute(to('192.168.3.0', 24, { oif: 2 })),
      deleteRoute(to('192.168.4.0', 24, { header: { type: 7 } })),
      deleteRoute(to('192.168.4.0', 24, { header: { type: 6 } })),
    ),
    ...ask(
      deleteRoute(to('192.168.7.0', 24)),
      deleteRoute(to('192.168.7.0', 24, { header: { table: 100 } })),
      deleteRoute(to('1.2.3.0', 24)),
      deleteRoute(to('192.168.5.0', 24, { header: { protocol: 9 } })),
    ),
    ...seen,
    ...listed,
  ],
  'routes of IPv4 that are wrong': [
    ...links,
    ...ask(
      newRoute(to('192.168.1.0', 24)),
      newRoute(to('192.168.1.0', 24, via('77.0.0.1'))),
      newRoute(to('192.168.1.1', 24, via('10.0.0.2'))),
    ),
    ...ask(
      newRoute(to('192.168.1.0', 33, via('10.0.0.2'))),
      newRoute(to('192.168.1.0', 24, { oif: 99 })),
      newRoute(to('192.168.1.0', 24, { ...via('10.0.0.2'), oif: 2 })),
    ),
    ...ask(
      newRoute(to('192.168.1.0', 24, { ...via('10.0.0.1') })),
      newRoute(to('192.168.1.0', 24, { ...via('10.0.0.2'), header: { scope: 254 } })),
    ),
    ...ask(
      newRoute(to('192.168.1.0', 24, { header: { type: 12 } })),
      newRoute(to('192.168.1.0', 24, { dst: Uint8Array.of(1, 2) })),
    ),
    ...ask(newRoute({ header: { family: 2, dstLen: 24, table: 254, type: 1 } }), newRoute({ header: { family: 99 } })),
    ...ask(listRoutes({ header: { family: 2, tos: 1 } }), listRoutes({ header: { family: 2, dstLen: 24 } })),
    ...ask(
      listRoutes({ header: { family: 2, table: 255 } }),
      listRoutes({ header: { family: 2 }, table: 254 }),
      listRoutes({ header: { family: 2, protocol: 2 } }),
    ),
    ...ask(
      listRoutes({ header: { family: 2, type: 3 } }),
      listRoutes({ header: { family: 2 }, oif: 3 }),
      listRoutes({ header: { family: 2 }, oif: 99 }),
    ),
    ...ask(
      listRoutes({ header: { family: 2 }, table: 777 }),
      listRoutes({ header: { family: 2 }, priority: 1 }),
      listRoutes({ header: { family: 2, scope: 1 } }),
    ),
    ...seen,
    ...listed,
  ],
  'routes that go with links and addresses': [
    ...links,
    ...ask(
      newRoute(to('192.168.1.0', 24, via('10.0.0.2'))),
      newRoute(to('192.168.2.0', 24, { oif: 3, header: { scope: 253 } })),
    ),
    ...ask(newRoute(to('192.168.3.0', 24, { oif: 3, header: { scope: 253 }, prefsrc: ip4('10.0.0.1') }))),
    ...seen,
    ...ask(deleteAddress({ header: { family: 2, prefixlen: 24, index: 3 }, local: ip4('10.0.0.1') })),
    ...seen,
    ...listed,
    ...ask(down(2)),
    ...seen,
    ...listed,
    ...ask(down(3)),
    ...seen,
    ...listed,
    ...ask(newRoute(to('192.168.9.0', 24, { oif: 3, header: { scope: 253 } }))),
  ],
  'routes of IPv6': [
    ...links,
    ...ask(
      newRoute(to6(0x20, 16, { gateway: ip6(9) })),
      newRoute(to6(0x20, 16, { gateway: ip6(9) })),
      newRoute(to6(0x21, 16, { oif: 3 })),
    ),
    ...ask(
      newRoute(to6(0x22, 16, { oif: 3, priority: 5 })),
      newRoute(to6(0x23, 16, { header: { type: 7 } })),
      newRoute(to6(0, 0, { gateway: ip6(9) })),
    ),
    ...seen,
    ...listed6,
    ...ask(
      newRoute(to6(0x24, 16)),
      newRoute(to6(0x24, 16, { gateway: ip6(9, 0x77) })),
      newRoute(to6(0x24, 129, { oif: 3 })),
      newRoute(to6(0x24, 16, { oif: 99 })),
    ),
    ...ask(
      newRoute(to6(0x21, 16, { oif: 2 }), ACKNOWLEDGED | Create | Replace),
      newRoute(to6(0x22, 16, { oif: 2, priority: 5 }), ACKNOWLEDGED | Create | Append),
    ),
    ...seen,
    ...listed6,
    ...ask(
      deleteRoute(to6(0x21, 16)),
      deleteRoute(to6(0x21, 16)),
      deleteRoute(to6(0x22, 16, { priority: 9 })),
      deleteRoute(to6(0x20, 16, { gateway: ip6(8) })),
      deleteRoute(to6(0x20, 16, { gateway: ip6(9) })),
    ),
    ...seen,
    ...ask(down(3)),
    ...seen,
    ...listed6,
  ],
}
