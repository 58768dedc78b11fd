/** Scripts for rtnetlink at random, within what the simulated kernel models. */
import { NewFlag, Protocol } from '@ringlink/codec'
import fc, { type Arbitrary } from 'fast-check'
import { ACKNOWLEDGED, ask, type FamilyMessage, type FamilyStep, open, read, settle } from './family-script.ts'
import {
  deleteAddress,
  deleteNeighbour,
  deleteRoute,
  down,
  getRoute,
  ip4,
  ip6,
  listAddresses,
  listLinks,
  listNeighbours,
  listRoutes,
  mac,
  newAddress,
  newNeighbour,
  newRoute,
  setLink,
  up,
  veth,
} from './route-script.ts'

const { Append, Create, Exclusive, Replace } = NewFlag
const flags = fc
  .constantFrom(Create | Exclusive, Create | Replace, Create, Create | Append, 0)
  .map((it) => ACKNOWLEDGED | it)
const link = fc.constantFrom(2, 3)

/** What an address lives: for some hours, or without an end. */
const lifetime = fc
  .constantFrom<[number, number] | undefined>(undefined, undefined, [5000, 9000], [0, 9000])
  .map((it) => it && { cacheinfo: { ifaPrefered: it[0], ifaValid: it[1], cstamp: 0, tstamp: 0 } })
const address4 = fc
  .record({
    index: link,
    text: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.1.1'),
    prefixlen: fc.constantFrom(24, 24, 16, 32),
    lifetime,
  })
  .map(({ index, text, prefixlen, lifetime: given }) => ({
    header: { family: 2, prefixlen, index },
    local: ip4(text),
    address: ip4(text),
    ...given,
  }))
const address6 = fc
  .record({ index: link, last: fc.constantFrom(1, 2), peer: fc.constantFrom(0, 0, 9), lifetime })
  .map(({ index, last, peer, lifetime: given }) => ({
    header: { family: 10, prefixlen: 64, index },
    local: ip6(last),
    address: ip6(peer === 0 ? last : peer),
    ...given,
  }))
const route = fc
  .record({
    dst: fc.constantFrom('192.168.1.0', '192.168.2.0'),
    next: fc.constantFrom(
      { gateway: ip4('10.0.0.9') },
      { gateway: ip4('10.0.1.9') },
      { oif: 2, header: { scope: 253 } },
      { oif: 3, header: { scope: 253 } },
      { header: { type: 7 } },
    ),
    priority: fc.constantFrom(0, 5),
  })
  .map(
    ({ dst, next: { header, ...next }, priority }: { dst: string; next: { header?: object }; priority: number }) => ({
      header: { family: 2, dstLen: 24, table: 254, protocol: 3, scope: 0, type: 1, ...header },
      dst: ip4(dst),
      ...next,
      ...(priority === 0 ? {} : { priority }),
    }),
  )
const neighbour = fc
  .record({ index: link, last: fc.constantFrom(50, 51), state: fc.constantFrom(0x80, 4), mac: fc.constantFrom(7, 8) })
  .map(({ index, last, state, mac: address }) => ({
    header: { family: 2, ifindex: index, state },
    dst: ip4(`10.9.9.${last}`),
    lladdr: mac(address),
  }))

const lookedUp = fc
  .record({
    dst: fc.constantFrom('10.0.0.1', '10.0.0.9', '10.0.1.255', '192.168.1.1', '192.168.2.1', '127.1.1.1'),
    oif: fc.constantFrom(0, 0, 2, 3),
  })
  .map(({ dst, oif }) => getRoute({ header: { family: 2, dstLen: 32 }, dst: ip4(dst), ...(oif === 0 ? {} : { oif }) }))

const message: Arbitrary<FamilyMessage> = fc.oneof(
  link.map(up),
  link.map(up),
  link.map(down),
  fc.record({ address: address4, flags }).map((it) => newAddress(it.address, it.flags)),
  fc.record({ address: address4, flags }).map((it) => newAddress(it.address, it.flags)),
  address4.map((it) => deleteAddress(it)),
  address6.map((it) => newAddress(it)),
  address6.map((it) => deleteAddress(it)),
  fc.record({ route, flags }).map((it) => newRoute(it.route, it.flags)),
  fc.record({ route, flags }).map((it) => newRoute(it.route, it.flags)),
  route.map((it) => deleteRoute(it)),
  fc.record({ neighbour, flags }).map((it) => newNeighbour(it.neighbour, it.flags)),
  neighbour.map(({ header, dst }) => deleteNeighbour({ header, dst })),
  fc
    .record({ index: link, mtu: fc.constantFrom(1400, 1500) })
    .map(({ index, mtu }) => setLink({ header: { index }, mtu })),
  lookedUp,
  lookedUp,
)

/** All groups that are modelled. */
const GROUPS = [1, 3, 5, 7, 9, 11]
const listed = ask(
  listLinks(),
  listAddresses(),
  listRoutes({ header: { family: 2 } }),
  listRoutes({ header: { family: 10 } }),
  listNeighbours(),
)

export const anyRouteScript: Arbitrary<FamilyStep[]> = fc
  .array(message, { minLength: 5, maxLength: 25 })
  .map((messages) => [
    open('a'),
    open('b', Protocol.Route, GROUPS),
    ...ask(veth('va', 'vb', 1)),
    settle,
    read('b'),
    ...messages.flatMap((it) => [...ask(it), settle, read('b')]),
    ...listed,
  ])
