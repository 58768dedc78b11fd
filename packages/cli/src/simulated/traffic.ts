import { IcmpType, icmpPacket, TcpFlag, tcpPacket, udpPacket } from '@ringlink/packet'

/** A question for the address of example.org (RFC 1035 section 4). */
const DNS_QUESTION = Uint8Array.from([
  ...[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  ...[7, ...Buffer.from('example'), 3, ...Buffer.from('org'), 0, 0, 1, 0, 1],
])
/** A pointer to the name in the question, type A, class IN, 300 s, 4 bytes. */
const DNS_ANSWER = Uint8Array.from([
  ...[0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0],
  ...DNS_QUESTION.subarray(12),
  ...[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 198, 51, 100, 7],
])

interface Conversation {
  readonly client: string
  readonly server: string
  readonly clientPort: number
  readonly serverPort: number
}

/** Ports of clients: each round of traffic has two, and after so many rounds the first ones again. */
const FIRST_PORT = 40_000
const ROUNDS = 10_000

/**
 * Packets from the network header on: a name look-up, a web page over IPv4 and one over IPv6, a ping. Each round has
 * other ports.
 */
export function simulatedTraffic(round = 0): Uint8Array[] {
  const clientPort = FIRST_PORT + 2 * (round % ROUNDS)
  const web = { client: '192.0.2.1', server: '198.51.100.7', clientPort, serverPort: 443 }
  const web6 = { client: '2001:db8::1', server: '2001:db8::7', clientPort, serverPort: 80 }
  const names = { client: '192.0.2.1', server: '203.0.113.53', clientPort: clientPort + 1, serverPort: 53 }
  const [question, answer] = lookUp(names)
  return [question, answer, ...page(web, 12), ...ping('192.0.2.1', '198.51.100.7'), question, answer, ...page(web6, 4)]
}

function lookUp(names: Conversation): [Uint8Array, Uint8Array] {
  return [
    udpPacket({ ...toServer(names), payload: DNS_QUESTION }),
    udpPacket({ ...toClient(names), payload: DNS_ANSWER }),
  ]
}

/** A connection in which the server sends `segments` segments. */
function page(web: Conversation, segments: number): Uint8Array[] {
  const { Synchronize, Acknowledge, Push, Finish } = TcpFlag
  const segment = new Uint8Array(1400)
  const sequence = 1 + segments * segment.length
  const request = 'GET / HTTP/1.1\r\n\r\n'
  const acknowledgement = 1 + request.length
  const content = Array.from({ length: segments }, (_, i) =>
    tcpPacket({
      ...toClient(web),
      flags: Acknowledge,
      sequence: 1 + i * segment.length,
      acknowledgement,
      payload: segment,
    }),
  )
  return [
    tcpPacket({ ...toServer(web), flags: Synchronize }),
    tcpPacket({ ...toClient(web), flags: Synchronize | Acknowledge, acknowledgement: 1 }),
    tcpPacket({ ...toServer(web), flags: Push | Acknowledge, sequence: 1, acknowledgement: 1, payload: request }),
    ...content,
    tcpPacket({ ...toClient(web), flags: Finish | Acknowledge, sequence, acknowledgement }),
    tcpPacket({ ...toServer(web), flags: Acknowledge, sequence: acknowledgement, acknowledgement: sequence + 1 }),
  ]
}

function ping(client: string, server: string): Uint8Array[] {
  const payload = new Uint8Array(56)
  return [
    icmpPacket({ source: client, destination: server, type: IcmpType.EchoRequest, payload }),
    icmpPacket({ source: server, destination: client, type: IcmpType.EchoReply, payload }),
  ]
}

function toServer({ client, server, clientPort, serverPort }: Conversation) {
  return { source: client, destination: server, sourcePort: clientPort, destinationPort: serverPort }
}

function toClient({ client, server, clientPort, serverPort }: Conversation) {
  return { source: server, destination: client, sourcePort: serverPort, destinationPort: clientPort }
}
