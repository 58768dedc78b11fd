/** Scripts for addresses, and the routes that come and go with them. */
import { NewFlag } from '@ringlink/codec'
import { ACKNOWLEDGED, ask, type FamilyStep, open, read, settle } from './family-script.ts'
import {
  deleteAddress,
  deleteLink,
  down,
  getAddress,
  ip4,
  ip6,
  listAddresses,
  listRoutes,
  newAddress,
  up,
  veth,
} from './route-script.ts'

/** RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE */
const opened: readonly FamilyStep[] = [open('a'), open('b', 0, [5, 7, 9, 11])]
const seen: readonly FamilyStep[] = [settle, read('b')]
const listed: readonly FamilyStep[] = ask(
  listAddresses(),
  listRoutes({ header: { family: 2 } }),
  listRoutes({ header: { family: 10 } }),
)
const REPLACE = ACKNOWLEDGED | NewFlag.Create | NewFlag.Replace

const v4 = (index: number, address: string, prefixlen: number, more: Readonly<Record<string, unknown>> = {}) => {
  const { header = {}, ...others } = more as { header?: object }
  return {
    header: { family: 2, prefixlen, index, ...header },
    local: ip4(address),
    address: ip4(address),
    ...others,
  }
}
const v6 = (index: number, last: number, prefixlen: number, more: Readonly<Record<string, unknown>> = {}) => {
  const { header = {}, ...others } = more as { header?: object }
  return { header: { family: 10, prefixlen, index, ...header }, local: ip6(last), address: ip6(last), ...others }
}

export const addressScripts: Readonly<Record<string, readonly FamilyStep[]>> = {
  'addresses of IPv4': [
    ...opened,
    ...ask(veth('va', 'vb', 1)),
    settle,
    ...listed,
    ...ask(newAddress(v4(3, '10.0.0.1', 24)), newAddress(v4(3, '10.0.0.1', 24))),
    ...seen,
    ...listed,
    ...ask(up(3), up(2)),
    ...seen,
    ...listed,
    ...ask(
      newAddress(v4(3, '10.0.0.2', 24)),
      newAddress(v4(3, '10.0.1.1', 32)),
      newAddress(v4(3, '10.2.0.1', 16, { label: 'va:x' })),
    ),
    ...seen,
    ...ask(
      newAddress(v4(3, '10.3.0.1', 24, { broadcast: ip4('10.3.0.255') })),
      newAddress(v4(3, '10.0.0.1', 24), REPLACE),
    ),
    ...seen,
    ...listed,
    ...ask(listAddresses({ header: { family: 2, index: 3 } }), listAddresses({ header: { family: 2, index: 2 } })),
    ...ask(listAddresses({ header: { family: 2, index: 99 } }), listAddresses({ header: { family: 2, scope: 1 } })),
    ...ask(listAddresses({ header: { family: 2 }, label: 'va' }), listAddresses({ header: { family: 9 } })),
    ...ask(
      deleteAddress(v4(3, '10.0.0.9', 24)),
      deleteAddress(v4(3, '10.2.0.1', 24)),
      deleteAddress(v4(99, '10.2.0.1', 24)),
    ),
    ...ask(deleteAddress(v4(3, '10.2.0.1', 16))),
    ...seen,
    ...ask(deleteAddress(v4(3, '10.0.0.1', 24))),
    ...seen,
    ...listed,
    ...ask(deleteAddress({ header: { family: 2, index: 3, prefixlen: 24 } })),
    ...seen,
    ...listed,
  ],
  'addresses of IPv4 that are wrong': [
    ...opened,
    ...ask(veth('va', 'vb', 1)),
    settle,
    ...ask(up(3), up(2)),
    ...seen,
    ...ask(
      newAddress(v4(99, '10.0.0.1', 24)),
      newAddress(v4(3, '10.0.0.1', 33)),
      newAddress({ header: { family: 2, index: 3, prefixlen: 24 } }),
    ),
    ...ask(newAddress({ header: { family: 2, index: 3, prefixlen: 24 }, address: ip4('10.0.0.1') })),
    ...ask(
      newAddress(v4(3, '10.0.0.1', 24, { header: { scope: 200 } })),
      newAddress(v4(3, '10.1.0.1', 24), ACKNOWLEDGED),
    ),
    ...ask(
      newAddress(v4(3, '10.0.0.1', 24, { local: Uint8Array.of(10, 0) })),
      newAddress({ header: { family: 77, index: 3 } }),
    ),
    ...ask(newAddress(v4(3, '10.4.0.1', 24, { cacheinfo: { ifaPrefered: 10, ifaValid: 5, cstamp: 0, tstamp: 0 } }))),
    ...ask(newAddress(v4(3, '10.4.0.1', 24, { cacheinfo: { ifaPrefered: 0, ifaValid: 0, cstamp: 0, tstamp: 0 } }))),
    ...ask(getAddress({ header: { family: 2, index: 3 } }), deleteAddress({ header: { family: 2 } })),
    ...seen,
    ...listed,
  ],
  'routes of IPv4 that follow a link': [
    ...opened,
    ...ask(veth('va', 'vb', 1), newAddress(v4(3, '10.0.0.1', 24)), newAddress(v4(3, '10.0.1.1', 32))),
    ...seen,
    ...ask(up(3)),
    ...seen,
    ...listed,
    ...ask(up(2)),
    ...seen,
    ...listed,
    ...ask(down(2)),
    ...seen,
    ...listed,
    ...ask(down(3)),
    ...seen,
    ...listed,
    ...ask(up(3)),
    ...seen,
    ...ask(deleteLink({ ifname: 'va' })),
    ...seen,
    ...listed,
  ],
  'addresses of IPv6': [
    ...opened,
    ...ask(veth('va', 'vb', 1), newAddress(v6(3, 1, 64))),
    ...seen,
    ...listed,
    ...ask(up(3)),
    ...seen,
    ...ask(up(2)),
    ...seen,
    ...listed,
    ...ask(newAddress(v6(3, 1, 64)), newAddress(v6(3, 2, 64))),
    ...seen,
    ...ask(newAddress(v6(3, 3, 128))),
    ...seen,
    ...ask(newAddress(v6(2, 4, 64))),
    ...seen,
    ...listed,
    ...ask(
      listAddresses({ header: { family: 10, index: 3 } }),
      listAddresses({ header: { family: 10, prefixlen: 3 } }),
    ),
    ...ask(
      getAddress({ header: { family: 10, index: 3 }, address: ip6(1) }),
      getAddress({ header: { family: 10 }, address: ip6(77) }),
    ),
    ...ask(
      newAddress(v6(99, 1, 64)),
      newAddress(v6(3, 9, 129)),
      newAddress({ header: { family: 10, index: 3, prefixlen: 64 } }),
    ),
    ...ask(deleteAddress(v6(3, 77, 64)), deleteAddress(v6(3, 2, 64))),
    ...seen,
    ...ask(deleteAddress(v6(3, 1, 64))),
    ...seen,
    ...listed,
    ...ask(down(2)),
    ...seen,
    ...listed,
    ...ask(down(3)),
    ...seen,
    ...listed,
    ...ask(up(2), up(3)),
    ...seen,
    ...listed,
    ...ask(deleteLink({ ifname: 'va' })),
    ...seen,
    ...listed,
  ],
}
