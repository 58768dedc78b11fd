/** Scripts for neighbours. */
import { NewFlag, Protocol } from '@ringlink/codec'
import { ACKNOWLEDGED, ask, type FamilyStep, open, read, settle } from './family-script.ts'
import {
  deleteLink,
  deleteNeighbour,
  down,
  getNeighbour,
  ip4,
  ip6,
  listNeighbours,
  mac,
  newNeighbour,
  setLink,
  up,
  veth,
} from './route-script.ts'

/** RTNLGRP_NEIGH */
const opened: readonly FamilyStep[] = [open('a'), open('b', Protocol.Route, [3])]
const seen: readonly FamilyStep[] = [settle, read('b')]
const { Create, Replace } = NewFlag
const PERMANENT = 0x80
const STALE = 4
const NOARP = 0x40

type Values = Readonly<Record<string, unknown>>
const at = (index: number, text: string, last: number, state: number = PERMANENT, more: Values = {}) => ({
  header: { family: 2, ifindex: index, state },
  dst: ip4(text),
  lladdr: mac(last),
  ...more,
})
const at6 = (index: number, number: number, last: number, state: number = PERMANENT) => ({
  header: { family: 10, ifindex: index, state },
  dst: ip6(number),
  lladdr: mac(last),
})
const listed = ask(listNeighbours())

export const neighbourScripts: Readonly<Record<string, readonly FamilyStep[]>> = {
  neighbours: [
    ...opened,
    ...ask(veth('va', 'vb', 1), newNeighbour(at(3, '10.0.0.2', 9))),
    settle,
    ...ask(up(2), up(3)),
    ...seen,
    ...ask(
      newNeighbour(at(3, '10.0.0.2', 9)),
      newNeighbour(at(3, '10.0.0.2', 10)),
      newNeighbour(at(3, '10.0.0.3', 11, STALE)),
    ),
    ...ask(newNeighbour(at6(3, 5, 12)), newNeighbour(at6(2, 6, 13, STALE)), newNeighbour(at(3, '10.0.0.4', 14, NOARP))),
    ...seen,
    ...listed,
    ...ask(
      newNeighbour(at(3, '10.0.0.2', 20), ACKNOWLEDGED | Create | Replace),
      newNeighbour(at(3, '10.0.0.3', 21, PERMANENT), ACKNOWLEDGED | Replace),
    ),
    ...ask(
      newNeighbour(at(3, '10.0.0.9', 21), ACKNOWLEDGED | Replace),
      newNeighbour(at(3, '10.0.0.3', 22), ACKNOWLEDGED),
      newNeighbour(at(3, '10.0.0.2', 20), ACKNOWLEDGED | Create | Replace),
    ),
    ...seen,
    ...ask(
      listNeighbours({ header: { family: 2 } }),
      listNeighbours({ header: { family: 10 } }),
      listNeighbours({ ifindex: 2 }),
      listNeighbours({ ifindex: 99 }),
    ),
    ...ask(
      listNeighbours({ header: { ifindex: 3 } }),
      listNeighbours({ header: { state: 4 } }),
      listNeighbours({ master: 4 }),
      listNeighbours({ dst: ip4('10.0.0.2') }),
    ),
    ...ask(
      getNeighbour({ header: { family: 2, ifindex: 3 }, dst: ip4('10.0.0.2') }),
      getNeighbour({ header: { family: 2, ifindex: 3 }, dst: ip4('10.0.0.77') }),
    ),
    ...ask(
      getNeighbour({ header: { family: 2, ifindex: 3 } }),
      getNeighbour({ header: { family: 2, ifindex: 99 }, dst: ip4('10.0.0.2') }),
      getNeighbour({ header: { ifindex: 3 }, dst: ip4('10.0.0.2') }),
    ),
    ...ask(
      deleteNeighbour({ header: { family: 2, ifindex: 3 }, dst: ip4('10.0.0.77') }),
      deleteNeighbour({ header: { family: 2, ifindex: 3 }, dst: ip4('10.0.0.2') }),
    ),
    ...ask(
      deleteNeighbour({ header: { family: 2, ifindex: 99 }, dst: ip4('10.0.0.3') }),
      deleteNeighbour({ header: { family: 2, ifindex: 3 } }),
      deleteNeighbour({ header: { family: 10, ifindex: 3 }, dst: ip6(5) }),
    ),
    ...seen,
    ...listed,
    ...ask(down(3)),
    ...seen,
    ...listed,
    ...ask(deleteLink({ ifname: 'vb' })),
    ...seen,
    ...listed,
  ],
  'neighbours that are wrong': [
    ...opened,
    ...ask(veth('va', 'vb', 1)),
    settle,
    ...ask(up(2), up(3)),
    ...seen,
    ...ask(
      newNeighbour(at(99, '10.0.0.2', 9)),
      newNeighbour({ header: { family: 2, ifindex: 3, state: PERMANENT }, lladdr: mac(1) }),
    ),
    ...ask(
      newNeighbour({ header: { family: 2, ifindex: 3, state: PERMANENT }, dst: ip4('10.0.0.2') }),
      newNeighbour(at(3, '10.0.0.2', 9, PERMANENT, { lladdr: Uint8Array.of(1, 2) })),
    ),
    ...ask(
      newNeighbour({ header: { family: 2, ifindex: 3, state: PERMANENT }, dst: Uint8Array.of(1, 2), lladdr: mac(1) }),
      newNeighbour({ header: { family: 77, ifindex: 3, state: PERMANENT }, dst: ip4('10.0.0.2'), lladdr: mac(1) }),
    ),
    ...ask(
      newNeighbour({ header: { family: 2, ifindex: 0, state: PERMANENT }, dst: ip4('10.0.0.2'), lladdr: mac(1) }),
      newNeighbour(at(3, '10.0.0.2', 9), ACKNOWLEDGED),
      newNeighbour(at(3, '10.0.0.8', 9), ACKNOWLEDGED),
    ),
    ...ask(newNeighbour(at(3, '10.0.0.7', 7, STALE)), setLink({ ifname: 'va', address: mac(77) })),
    ...seen,
    ...listed,
  ],
}
