/** Scripts for generic netlink: its controller, and how it checks the requests of a family. */
import { ControllerCommand, GenericFamilyId, Protocol } from '@ringlink/codec'
import {
  ACKNOWLEDGED,
  ask,
  DUMPED,
  type FamilyMessage,
  type FamilyStep,
  joined,
  open,
  rawAttribute,
} from './family-script.ts'

const { Controller } = GenericFamilyId
const { GetFamily, GetPolicy } = ControllerCommand
const bytes = (text: string) => [...new TextEncoder().encode(text), 0]
const u32 = (value: number) => [value, 0, 0, 0]
const id = (value: number) => rawAttribute(1, [value & 0xff, value >> 8])
const name = (text: string) => rawAttribute(2, bytes(text))
const operation = (command: number) => rawAttribute(10, u32(command))

const message =
  (type: number | string, usual: number) =>
  (command: number, attributes: readonly (Uint8Array | readonly number[])[] = [], flags = usual): FamilyMessage => ({
    type,
    flags,
    body: joined([command, 1, 0, 0], ...attributes),
  })
const control = message(Controller, ACKNOWLEDGED)
const list = message(Controller, DUMPED)
const netdev = message('netdev', ACKNOWLEDGED)

const ifindex = (value: number) => rawAttribute(1, u32(value))

export const genericScripts: Readonly<Record<string, readonly FamilyStep[]>> = {
  'families by number and by name': [
    open('a', Protocol.Generic),
    ...ask(control(GetFamily, [name('nlctrl')]), control(GetFamily, [id(Controller)])),
    ...ask(control(GetFamily, [name('nlctrl')], 1), control(GetFamily, [id(999), name('nlctrl')])),
    ...ask(control(GetFamily, [id(Controller), name('nonsense')])),
    ...ask(control(GetFamily, [name('nonsense')]), control(GetFamily, [id(999)]), control(GetFamily)),
    ...ask(control(GetFamily, [name('a-name-that-is-too-long')]), control(GetFamily, [rawAttribute(2, [])])),
    ...ask(control(GetFamily, [rawAttribute(2, [65, 66])]), control(GetFamily, [rawAttribute(2, [0])])),
    ...ask(control(GetFamily, [rawAttribute(2, [...bytes('nlctrl'), 0, 0, 0, 0, 0, 0, 0, 0])])),
    ...ask(control(GetFamily, [rawAttribute(2, [...bytes('nlctrl'), ...new Array<number>(30).fill(0)])])),
    ...ask(control(GetFamily, [rawAttribute(1, [16])]), control(GetFamily, [rawAttribute(1, u32(16))])),
    ...ask(control(GetFamily, [name('nlctrl'), rawAttribute(30, u32(1))])),
    ...ask(control(GetFamily, [name('nlctrl'), rawAttribute(3, u32(1)), operation(3)])),
    ...ask(control(GetFamily, [name('nlctrl'), [1, 2]]), control(GetFamily, [name('nlctrl'), [9, 0, 2, 0]])),
    ...ask(control(GetFamily, [name('nonsense'), name('nlctrl')])),
  ],
  'commands and headers': [
    open('a', Protocol.Generic),
    ...ask(control(0), control(1), control(99), control(GetPolicy, [name('nlctrl')])),
    ...ask({ type: Controller, flags: ACKNOWLEDGED, body: joined([]) }),
    ...ask({ type: Controller, flags: ACKNOWLEDGED, body: joined([3, 1]) }),
    ...ask({ type: Controller, flags: ACKNOWLEDGED, body: joined([3, 1, 1, 0], name('nlctrl')) }),
    ...ask({ type: Controller, flags: ACKNOWLEDGED | 0x80, body: joined([3, 9, 0, 0], name('nlctrl')) }),
    ...ask({ type: Controller, flags: ACKNOWLEDGED | 0x100, body: joined([3, 9, 0, 0], name('nlctrl')) }),
    ...ask({ type: 0xfff0, flags: ACKNOWLEDGED, body: joined([1, 1, 0, 0]) }),
    ...ask({ type: Controller, flags: 0x4, body: joined([3, 1, 0, 0], name('nlctrl')) }),
    ...ask({ type: 3, flags: ACKNOWLEDGED, body: joined([3, 1, 0, 0], name('nlctrl')) }),
    { do: 'send', socket: 'a', messages: [control(GetFamily, [name('nlctrl')]), control(GetFamily), control(99)] },
    { do: 'read', socket: 'a' },
  ],
  'policies of the controller': [
    open('a', Protocol.Generic),
    ...ask(list(GetPolicy, [name('nlctrl')]), list(GetPolicy, [id(Controller)])),
    ...ask(list(GetPolicy, [name('nlctrl')], DUMPED | 4)),
    ...ask(list(GetPolicy, [name('nlctrl'), operation(3)]), list(GetPolicy, [name('nlctrl'), operation(10)])),
    ...ask(list(GetPolicy, [name('nlctrl'), operation(99)]), list(GetPolicy, [name('nlctrl'), operation(1)])),
    ...ask(list(GetPolicy), list(GetPolicy, [name('nonsense')]), list(GetPolicy, [id(999)])),
    ...ask(list(GetPolicy, [name('nlctrl'), rawAttribute(3, u32(1))]), list(GetPolicy, [rawAttribute(30, u32(1))])),
    ...ask(list(GetPolicy, [rawAttribute(1, [16])]), list(GetPolicy, [rawAttribute(1, u32(16))])),
    ...ask(list(GetPolicy, [name('nlctrl'), rawAttribute(10, [3, 0])])),
    ...ask(list(GetPolicy, [name('nlctrl'), [1, 2]]), list(GetPolicy, [rawAttribute(0x8002, bytes('nlctrl'))])),
    ...ask(list(GetFamily, [rawAttribute(30, u32(1))]), list(GetFamily, [rawAttribute(1, [1])])),
    ...ask(list(GetFamily, [name('a-name-that-is-too-long')]), list(GetFamily, [[1, 2]])),
  ],
  'requests of a family that checks strictly': [
    open('a', Protocol.Generic),
    ...ask(netdev(1, [ifindex(1)]), netdev(1, [ifindex(99)]), netdev(1)),
    ...ask(netdev(1, [ifindex(99), ifindex(1)]), netdev(1, [rawAttribute(0x4001, u32(1))])),
    ...ask(netdev(1, [ifindex(1), rawAttribute(2, u32(1))]), netdev(1, [rawAttribute(0, u32(1))])),
    ...ask(netdev(1, [ifindex(1), [1, 2]]), netdev(1, [ifindex(1), [1, 0, 2, 0]])),
    ...ask(netdev(1, [], DUMPED), netdev(1, [ifindex(1)], DUMPED), netdev(1, [rawAttribute(9, u32(1))], DUMPED)),
    ...ask(netdev(1, [], DUMPED | 4), netdev(1, [ifindex(1)], ACKNOWLEDGED | 8)),
    ...ask(netdev(2, [ifindex(1)]), netdev(200, [ifindex(1)]), netdev(0, [], DUMPED), netdev(2, [], DUMPED)),
    ...ask(netdev(1, [ifindex(1)], ACKNOWLEDGED | 0x400), netdev(1, [ifindex(1)], ACKNOWLEDGED | 0x80)),
    ...ask(netdev(1, [ifindex(1)], ACKNOWLEDGED | 0x100), netdev(1, [], DUMPED | 0x400)),
    ...ask({ type: 'netdev', flags: ACKNOWLEDGED, body: joined([1, 1, 1, 0], ifindex(1)) }),
    ...ask({ type: 'netdev', flags: ACKNOWLEDGED, body: joined([1, 77, 0, 0], ifindex(1)) }),
    ...ask({ type: 'netdev', flags: ACKNOWLEDGED, body: joined([1, 1]) }),
  ],
}
