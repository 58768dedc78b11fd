import { Errno } from '@ringlink/codec/errors'
import type { NativeBinding, NativeHandle } from '@ringlink/native'
import { describe, expect, test } from 'vitest'
import { dropsInTable } from '../src/drops.ts'
import { NetlinkSocket } from '../src/netlink-socket.ts'
import { checkOptions } from '../src/options.ts'

describe('drops in /proc/net/netlink', () => {
  const table = [
    'sk       Eth Pid    Groups   Rmem     Wmem     Dump     Locks     Drops     Inode',
    'ffff880 0   4711   00000000 0        0        (null)   2        5        4242',
    'ffff881 12  4711   00000000 0        0        (null)   2        17       4243',
    '',
  ].join('\n')

  test('are found by protocol and port, in any column', () => {
    expect(dropsInTable(table, 12, 4711)).toBe(17)
    expect(dropsInTable(table, 0, 4711)).toBe(5)
    expect(dropsInTable(table.replaceAll('Drops ', 'Other '), 12, 4711)).toBeLessThan(0)
    expect(dropsInTable(table, 12, 1)).toBeLessThan(0)
    expect(dropsInTable('', 12, 1)).toBeLessThan(0)
  })
})

describe('the counter of drops', () => {
  const table = 'sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\nffff 12 4711 0 0 0 0 2 17 1\n'

  /** A kernel with that table, with or without `SO_MEMINFO`. */
  function socketOn(drops: number, readProcNet: string | number): NetlinkSocket {
    const calls: Partial<NativeBinding> = {
      open: () => ({}) as NativeHandle,
      setOption: () => 0,
      bind: () => 4711,
      drops: () => drops,
      readProcNet: () => readProcNet,
    }
    const options = checkOptions({ protocol: 12 })
    const socket = new NetlinkSocket(calls as NativeBinding, options, () => {})
    socket.configure(options)
    return socket
  }

  test('is the one of the socket, if the kernel has it', () => {
    const socket = socketOn(3, table)
    expect([socket.drops(), socket.countsDrops]).toEqual([3, 'at once'])
  })

  test('is the column of /proc/net/netlink before Linux 4.12', () => {
    const socket = socketOn(-Errno.EOPNOTSUPP, table)
    expect([socket.drops(), socket.countsDrops]).toEqual([17, 'in a table'])
  })

  test('is unknown without either: a loss then counts as one, and is not exact', () => {
    const socket = socketOn(-Errno.EOPNOTSUPP, -Errno.ENOENT)
    expect(socket.drops()).toBeLessThan(0)
    expect(socket.countsDrops).toBe('never')
  })
})
