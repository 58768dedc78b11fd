/** Scripts for looking up single routes. */
import { ask, type FamilyStep, open, settle } from './family-script.ts'
import { down, getRoute, ip4, ip6, newAddress, newRoute, up, veth } from './route-script.ts'

type Values = Readonly<Record<string, unknown>>
const address = (index: number, text: string, prefixlen = 24, more: Values = {}) =>
  newAddress({ header: { family: 2, prefixlen, index }, local: ip4(text), address: ip4(text), ...more })
const address6 = (index: number, last: number, prefixlen = 64) =>
  newAddress({ header: { family: 10, prefixlen, index }, local: ip6(last), address: ip6(last) })
const to = (dst: string, dstLen: number, more: Values = {}) => {
  const { header = {}, ...others } = more as { header?: object }
  const known = { family: 2, dstLen, table: 254, protocol: 3, scope: 0, type: 1, ...header }
  return newRoute({ header: known, ...(dstLen === 0 ? {} : { dst: ip4(dst) }), ...others })
}
const to6 = (first: number, dstLen: number, more: Values = {}) => {
  const { header = {}, ...others } = more as { header?: object }
  const known = { family: 10, dstLen, table: 254, protocol: 3, scope: 0, type: 1, ...header }
  return newRoute({ header: known, ...(dstLen === 0 ? {} : { dst: ip6(0, first) }), ...others })
}
const via = (gateway: string) => ({ gateway: ip4(gateway) })
/** The route of one address. */
const find = (text: string, more: Values = {}, flags = 0) =>
  getRoute({ header: { family: 2, dstLen: 32, flags }, dst: ip4(text), ...more })
const find6 = (address: Uint8Array, more: Values = {}, flags = 0) =>
  getRoute({ header: { family: 10, dstLen: 128, flags }, dst: address, ...more })

const links: readonly FamilyStep[] = [
  open('a'),
  ...ask(veth('va', 'vb', 1)),
  settle,
  ...ask(up(2), up(3)),
  settle,
  ...ask(address(3, '10.0.0.1'), address(3, '10.0.1.1'), address(2, '10.9.0.1'), address6(3, 1)),
  settle,
]

export const lookupScripts: Readonly<Record<string, readonly FamilyStep[]>> = {
  'routes of IPv4 looked up': [
    ...links,
    ...ask(find('10.0.0.9'), find('10.0.0.1'), find('10.0.0.255'), find('127.0.0.1'), find('77.0.0.1')),
    ...ask(to('', 0, via('10.0.0.2')), to('20.0.0.0', 8, via('10.0.1.2')), to('20.1.0.0', 16, via('10.9.0.2'))),
    ...ask(find('77.0.0.1'), find('20.0.0.1'), find('20.1.0.1'), find('0.0.0.0'), find('255.255.255.255')),
    ...ask(find('224.0.0.1'), find('0.0.0.1'), find('240.0.0.1')),
    ...ask(
      to('30.0.0.0', 8, { header: { type: 6 } }),
      to('31.0.0.0', 8, { header: { type: 7 } }),
      to('32.0.0.0', 8, { header: { type: 8 } }),
      to('33.0.0.0', 8, { header: { type: 9 } }),
    ),
    ...ask(find('30.0.0.1'), find('31.0.0.1'), find('32.0.0.1'), find('33.0.0.1')),
    ...ask(
      to('40.0.0.0', 8, { ...via('10.0.0.3'), priority: 9 }),
      to('40.0.0.0', 8, { ...via('10.9.0.3'), priority: 5 }),
      to('41.0.0.0', 8, { ...via('10.0.0.3'), prefsrc: ip4('10.9.0.1') }),
      to('42.0.0.0', 8, { ...via('10.0.0.3'), header: { table: 100 } }),
      to('43.0.0.0', 8, { oif: 2, header: { scope: 253 } }),
    ),
    ...ask(find('40.0.0.1'), find('41.0.0.1'), find('42.0.0.1'), find('43.0.0.1')),
    ...ask(find('40.0.0.1', { oif: 3 }), find('40.0.0.1', { oif: 2 }), find('43.0.0.1', { oif: 3 })),
    ...ask(find('10.9.0.1', { oif: 3 }), find('10.9.0.7', { oif: 3 }), find('77.0.0.1', { oif: 2 })),
    ...ask(find('77.0.0.1', { oif: 99 }), find('77.0.0.1', { oif: 1 }), find('224.0.0.1', { oif: 3 })),
    ...ask(
      find('40.0.0.1', { header: { family: 2, dstLen: 32, srcLen: 32 }, src: ip4('10.9.0.1') }),
      find('40.0.0.1', { header: { family: 2, dstLen: 32, srcLen: 32 }, src: ip4('10.9.0.77') }),
    ),
    ...ask(find('40.0.0.1', {}, 0x1000), find('10.0.0.1', {}, 0x1000), find('127.0.0.1', {}, 0x1000)),
    ...ask(find('40.0.0.1', {}, 0x2000), find('10.0.0.1', {}, 0x2000), find('77.1.2.3', {}, 0x2000)),
    ...ask(down(2)),
    settle,
    ...ask(find('40.0.0.1'), find('10.0.0.9'), find('10.0.0.1'), find('10.9.0.1'), find('43.0.0.1')),
    ...ask(find('43.0.0.1', { oif: 2 })),
  ],
  'routes of IPv4 looked up wrongly': [
    ...links,
    ...ask(getRoute({ header: { family: 2 } }), getRoute({ header: { family: 2, dstLen: 24 }, dst: ip4('10.0.0.9') })),
    ...ask(getRoute({ header: { family: 2 }, dst: ip4('10.0.0.9') }), find('10.0.0.9', { priority: 5 })),
    ...ask(find('10.0.0.9', {}, 1), find('10.0.0.9', { table: 254 }), find('10.0.0.9', { gateway: ip4('10.0.0.9') })),
    ...ask(
      getRoute({ header: { family: 2, dstLen: 32, table: 254 }, dst: ip4('10.0.0.9') }),
      getRoute({ header: { family: 2, dstLen: 32, scope: 1 }, dst: ip4('10.0.0.9') }),
      getRoute({ header: { family: 2, dstLen: 32, type: 1 }, dst: ip4('10.0.0.9') }),
    ),
    ...ask(
      { type: 26, flags: 5, body: Uint8Array.of(2, 0, 0, 0) },
      { type: 26, flags: 5, body: Uint8Array.of(10, 0, 0, 0) },
    ),
    ...ask(find('10.0.0.9', { uid: 7 }), find('10.0.0.9', { mark: 7 })),
  ],
  'routes of IPv6 looked up': [
    ...links,
    ...ask(find6(ip6(1)), find6(ip6(2)), find6(ip6(1, 0x20)), find6(ip6(1, 0))),
    ...ask(to6(0x20, 16, { gateway: ip6(9) }), to6(0x21, 16, { oif: 3 }), to6(0x22, 16, { oif: 2, priority: 5 })),
    ...ask(
      to6(0x24, 16, { header: { type: 6 } }),
      to6(0x25, 16, { header: { type: 7 } }),
      to6(0x26, 16, { header: { type: 8 } }),
      to6(0x27, 16, { header: { type: 9 } }),
    ),
    ...ask(...[0x20, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27].map((first) => find6(ip6(0, first)))),
    ...ask(to6(0, 0, { gateway: ip6(9) }), find6(ip6(5, 0x77)), find6(ip6(1, 0xff), { oif: 3 }), find6(ip6(0, 0))),
    ...ask(find6(ip6(2), { oif: 3 }), find6(ip6(2), { oif: 2 }), find6(ip6(2), { oif: 99 }), find6(ip6(1), { oif: 3 })),
    ...ask(getRoute({ header: { family: 10 } }), find6(ip6(2), { priority: 3 }), find6(ip6(2), {}, 0x2000)),
    ...ask(getRoute({ header: { family: 10, dstLen: 64 }, dst: ip6(2) }), find6(ip6(2), { mark: 3 })),
    ...ask(getRoute({ header: { family: 10 }, dst: ip6(2) }), find6(ip6(2), {}, 0x1000)),
    ...ask(getRoute({ header: { family: 10, dstLen: 128, table: 254 }, dst: ip6(2) })),
    ...ask(down(3)),
    settle,
    ...ask(find6(ip6(2)), find6(ip6(1)), find6(ip6(0, 0x22))),
  ],
}
