import { type Check, check, formatChecks } from '@ringlink/example-shared/checks'
import { formatRows, whole } from '@ringlink/example-shared/text'
import type { RuleCounters } from './firewall.ts'
import { countDropped, DATAGRAMS, type SenderReport, TCP_BYTES } from './traffic.ts'

/** The last line of the queue program. */
export interface QueueSummary {
  readonly event: string
  readonly transport: string
  readonly packets: number
  readonly accepted: number
  readonly dropped: number
  readonly lost: number
}

/** The counters of all participants. */
export interface DemoResult {
  readonly transport: string
  readonly seconds: number
  readonly queue: QueueSummary
  readonly sender: SenderReport
  readonly counters: RuleCounters
  /** a packet that the filter drops arrives once the rules are gone */
  readonly passesAfter: boolean
  readonly receiver: {
    readonly datagrams: number
    readonly forbidden: number
    readonly repeated: number
    readonly tcpBytes: number
  }
}

/** The output, and the failed checks. */
export function formatResult(result: DemoResult, wantsJson: boolean): { text: string; failures: string[] } {
  const checks = checkResult(result)
  const failures = checks.filter(({ passed }) => !passed).map(({ what }) => what)
  const { transport, sent, queued, accepted, dropped, delivered, lost, seconds } = sums(result)
  const object = { transport, sent, queued, accepted, dropped, delivered, lost, seconds }
  return { text: wantsJson ? JSON.stringify(object) : formatTable(result, checks), failures }
}

function sums({ transport, seconds, queue, counters }: DemoResult) {
  return {
    transport,
    sent: counters.sent.udp + counters.sent.tcp,
    queued: queue.packets,
    accepted: queue.accepted,
    dropped: queue.dropped,
    delivered: counters.arrived.udp + counters.arrived.tcp,
    lost: queue.lost,
    seconds,
  }
}

function checkResult(result: DemoResult): Check[] {
  const { sender, receiver, counters, passesAfter } = result
  const { sent, queued, accepted, dropped, delivered, lost } = sums(result)
  const tcp = [sender.tcpBytesSent, receiver.tcpBytes, sender.tcpBytesReceived]
  return [
    check(
      `the sender ended well${sender.problem === undefined ? '' : `: ${sender.problem}`}`,
      sender.problem === undefined,
    ),
    check(`sent = queued + lost: ${whole(sent)} = ${whole(queued)} + ${whole(lost)}`, sent === queued + lost),
    check(`nothing is lost: ${whole(lost)}`, lost === 0),
    check(`queued = accepted + dropped: ${whole(queued)}`, queued === accepted + dropped),
    check(`delivered = accepted: ${whole(delivered)} = ${whole(accepted)}`, delivered === accepted),
    check(
      `every datagram passed the rule: ${whole(DATAGRAMS)} = ${whole(counters.sent.udp)}`,
      sender.datagrams === DATAGRAMS && counters.sent.udp === DATAGRAMS,
    ),
    check(
      `dropped are those that the filters mean: ${whole(dropped)} = ${whole(countDropped())}`,
      dropped === countDropped(),
    ),
    check(
      `none of them arrived, and nothing twice: ${whole(receiver.forbidden + receiver.repeated)}`,
      receiver.forbidden + receiver.repeated === 0,
    ),
    check(
      `the application received what the kernel delivered: ${whole(receiver.datagrams)} = ${whole(counters.arrived.udp)} datagrams`,
      receiver.datagrams === counters.arrived.udp,
    ),
    check(
      `TCP: ${whole(counters.sent.tcp)} packets sent, ${whole(counters.arrived.tcp)} delivered`,
      counters.sent.tcp === counters.arrived.tcp,
    ),
    check(
      `TCP: ${tcp.map(whole).join(', ')} bytes sent, arrived and back, unchanged`,
      sender.tcpIntact && tcp.every((bytes) => bytes === TCP_BYTES),
    ),
    check('the rules gone, traffic flows as before', passesAfter),
  ]
}

function formatTable(result: DemoResult, checks: readonly Check[]): string {
  const { transport, seconds, sent, queued, accepted, dropped, delivered, lost } = sums(result)
  const { counters, receiver } = result
  const rows: [string, number, string][] = [
    ['sent', sent, `caught by the rule: ${whole(counters.sent.udp)} UDP, ${whole(counters.sent.tcp)} TCP`],
    ['queued', queued, 'seen by examples/queue'],
    ['accepted', accepted, ''],
    ['dropped', dropped, 'by its filters'],
    ['delivered', delivered, `of them ${whole(receiver.datagrams)} datagrams, counted by the application`],
    ['lost', lost, ''],
  ]
  const rate = whole(sent / Math.max(0.001, seconds))
  return [
    `${rate} packets a second for ${seconds} s through the ${transport === 'sim' ? 'simulated ' : ''}kernel's queue, by ${transport}`,
    '',
    formatRows(rows, '  '),
    '',
    formatChecks(checks),
  ].join('\n')
}
