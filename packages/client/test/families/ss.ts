/** Sockets to look at, and the lines of `ss`. */
import type { Shown } from './shown-fields.ts'

/**
 * Sockets of each kind: one line is printed when they are there, and they stay until the standard input ends. The
 * argument is a path to make.
 */
export const SOCKETS = `
import socket, struct, sys
kept = []
def made(*given):
    kept.append(socket.socket(*given))
    return kept[-1]
listening = made(socket.AF_INET6, socket.SOCK_STREAM)
listening.setsockopt(41, 26, 0)
listening.bind(('::', 4040)); listening.listen(7)
six = made(socket.AF_INET6, socket.SOCK_STREAM)
six.setsockopt(41, 26, 1); six.bind(('::1', 4041)); six.listen(3)
four = made(socket.AF_INET, socket.SOCK_STREAM)
four.bind(('127.0.0.1', 4042)); four.listen(5)
for to in (('127.0.0.1', 4040), ('127.0.0.1', 4042)):
    connected = made(socket.AF_INET, socket.SOCK_STREAM)
    connected.setsockopt(socket.SOL_SOCKET, 36, 9)
    connected.connect(to)
    connected.sendall(b'hello')
kept.append(listening.accept()[0])
bound = made(socket.AF_INET, socket.SOCK_DGRAM)
bound.bind(('127.0.0.1', 5353)); bound.setsockopt(socket.SOL_SOCKET, 25, b'lo')
made(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 5353))
made(socket.AF_INET6, socket.SOCK_DGRAM).bind(('::1', 5354))
named = made(socket.AF_UNIX, socket.SOCK_STREAM)
named.bind('\\0ringlink-test'); named.listen(3)
filed = made(socket.AF_UNIX, socket.SOCK_SEQPACKET)
filed.bind(sys.argv[1]); filed.listen(1)
pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
kept.extend(pair)
pair[0].send(b'hello'); pair[1].shutdown(socket.SHUT_WR)
kept.extend(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
grouped = made(socket.AF_NETLINK, socket.SOCK_RAW, 0)
grouped.bind((0, 5))
packets = made(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
packets.bind(('lo', 3))
packets.setsockopt(263, 1, struct.pack('iHH8s', 1, 1, 0, b''))
packets.setsockopt(263, 18, 7)
cooked = made(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800))
cooked.setsockopt(263, 8, 1)
ring = made(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x806))
ring.setsockopt(263, 10, 1)
ring.setsockopt(263, 5, struct.pack('IIII', 4096, 2, 2048, 4))
print('ready', flush=True)
sys.stdin.read()
`

/**
 * The fields of a line: columns, and what follows them by name; `()` ends the name of a group, and a word alone has the
 * value `null`.
 */
export function lineFields(line: string, columns: readonly string[]): Shown {
  const words = line.trim().split(/\s+/)
  const fields: Record<string, unknown> = {}
  for (const [index, name] of columns.entries()) fields[name] = words[index]
  const rest = words.slice(columns.length).join(' ')
  const tokens = /(\w+):?\(([^()]*)\)|(send|pacing_rate|delivery_rate) (\S+)|([a-z]\w*)[:=](\S*)|(\S+)/g
  for (const [, group, inner, rate, bits, name, value, word] of rest.matchAll(tokens)) {
    if (group !== undefined) fields[`${group}()`] = inner?.trim()
    else if (rate !== undefined) fields[rate] = bits
    else if (name !== undefined) fields[name] = value
    else if (word !== undefined) fields[word] = null
  }
  return fields
}
