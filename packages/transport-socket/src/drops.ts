import { Errno } from '@ringlink/codec/errors'

/**
 * The column `Drops` of /proc/net/netlink for the socket of a protocol (column `Eth`) and port id (`Pid`), or a
 * negative errno. Columns are found by name, because they depend on the kernel.
 */
export function dropsInTable(table: string, protocol: number, portId: number): number {
  const [header = '', ...rows] = table.trimEnd().split('\n')
  const names = header.trim().split(/\s+/)
  const [eth, pid, drops] = ['Eth', 'Pid', 'Drops'].map((name) => names.indexOf(name)) as [number, number, number]
  for (const row of rows) {
    const fields = row.trim().split(/\s+/)
    if (Number(fields[eth]) !== protocol || Number(fields[pid]) !== portId) continue
    const count = Number(fields[drops])
    return Number.isInteger(count) ? count : -Errno.EOPNOTSUPP
  }
  return -Errno.ENOENT
}
