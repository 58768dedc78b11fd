/** Options of commands that publish to a NATS stream or consume one. */
import type { OptionTable, Section } from '../command-line/command.ts'

export const natsOptions = {
  to: { value: 'URL', summary: 'publish to a NATS stream instead of showing: nats://HOST/STREAM' },
  from: { value: 'URL', summary: 'show what hosts have published to a NATS stream: nats://HOST/STREAM' },
  consumer: {
    value: 'NAME',
    summary: '--from: share the work with other programs of that name, and continue where they stopped',
  },
  start: {
    value: 'WHERE',
    summary: '--from: begin with all (default), new, a stream sequence number, or a time (2026-11-26T07:00:00Z)',
  },
  'host-name': {
    value: 'NAME',
    summary: '--to: name of this host for consumers, and in the subject; default that of the system',
  },
  buffer: {
    value: 'SIZE',
    summary: '--to: what is kept while the server is away (default 64M); beyond it the oldest is dropped and counted',
  },
  credentials: {
    value: 'FILE',
    file: true,
    summary: 'NATS credentials (.creds); a name and a password can be in the address',
  },
  'tls-ca': { value: 'FILE', file: true, summary: 'certificates of the authority of the NATS server (PEM)' },
  'create-stream': { value: 'SIZE', summary: '--to: create the stream if it is missing, of that size (500M, 10G)' },
} as const satisfies OptionTable

export const natsSection: Section = {
  title: 'NATS',
  text: `A stream of a NATS server with JetStream takes what many hosts publish, and keeps it for consumers on any machine.
Addresses: nats://HOST[:4222]/STREAM, tls://HOST/STREAM, nats://USER:PASSWORD@HOST/STREAM. With --stats a line for each host.
Filters work where packets are shown: hosts publish everything that their rules log.`,
}
