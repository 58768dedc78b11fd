/** Wireshark's verdict on the checksums and lengths of edited packets. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { networkChecksum, type PacketChanges, PacketEditor, PacketView, transportChecksum } from '../src/index.ts'
import { embed, loadFrames, pcapOf } from './captures.ts'

const version = spawnSync('tshark', ['--version'], { encoding: 'utf8' })
const skipped = version.status === 0 ? '' : ' (skipped: tshark is missing, apt-get install tshark)'

const OPTIONS = [
  'ip.defragment:FALSE',
  'ipv6.defragment:FALSE',
  'ip.check_checksum:TRUE',
  'tcp.check_checksum:TRUE',
  'udp.check_checksum:TRUE',
  'udplite.ignore_checksum_coverage:FALSE',
  'sctp.checksum:CRC32C',
]
const STATES = ['ip', 'tcp', 'udp', 'icmp', 'icmpv6', 'sctp'].map((name) => `${name}.checksum.status`)
const FIELDS = [...STATES, 'ip.len', 'ipv6.plen', 'udp.length', '_ws.malformed', '_ws.expert.severity']
/** PI_ERROR of Wireshark's remarks: of a bad checksum, a length that cannot be, a malformed packet. */
const ERROR = 8388608

/** Each packet's fields, as Wireshark reads a capture of these frames. */
function decode(frames: readonly Uint8Array[]): Record<string, string>[] {
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-tshark-'))
  try {
    const path = join(folder, 'edited.pcap')
    writeFileSync(path, pcapOf(frames))
    const options = OPTIONS.flatMap((option) => ['-o', option])
    const fields = FIELDS.flatMap((field) => ['-e', field])
    const { stdout } = spawnSync(
      'tshark',
      ['-n', '-r', path, '-T', 'fields', '-E', 'occurrence=a', ...options, ...fields],
      {
        encoding: 'utf8',
      },
    )
    const lines = stdout.replace(/\n$/, '').split('\n')
    return lines.map((line) => Object.fromEntries(line.split('\t').map((value, at) => [FIELDS[at] ?? '', value])))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const CHANGES: readonly PacketChanges[] = [
  { payload: '' },
  { payload: 'x' },
  { payload: 'some other payload, of an odd length that is longer.' },
  { payload: 'y'.repeat(1400) },
  { timeToLive: 9 },
  { sourcePort: 50_001, destinationPort: 50_002 },
  { source: '10.9.8.7', destination: '10.9.8.6' },
  { source: 'fd00::1', destination: 'fd00::2', payload: 'both' },
]

test.skipIf(skipped !== '')(
  `every edit of every packet has checksums and lengths that Wireshark accepts${skipped}`,
  () => {
    const packet = new PacketView()
    const editor = new PacketEditor()
    const edited: Uint8Array[] = []
    const names: string[] = []
    for (const name of ['ipv4', 'ipv6', 'tunnels'] as const) {
      for (const [index, frame] of loadFrames(name).entries()) {
        const { memory, offset, length } = embed(frame)
        packet.wrapEthernet(memory, offset, length)
        // Wrong checksums stay wrong and are not tested here; an ICMP error needs the packet that it quotes.
        if (networkChecksum(packet) === 'invalid' || transportChecksum(packet) === 'invalid') continue
        const isOpaque = packet.quoted() !== undefined || packet.inner() !== undefined || packet.protocol === 58
        for (const changes of CHANGES) {
          if (isOpaque && changes.payload !== undefined) continue
          try {
            edited.push(editor.edit(packet, changes).slice())
            names.push(`${isOpaque ? 'within' : 'alone'} ${name} ${index} ${JSON.stringify(changes).slice(0, 60)}`)
          } catch (error) {
            expect(error).toMatchObject({ code: 'VALUE_RANGE' })
          }
        }
      }
    }
    expect(edited.length).toBeGreaterThan(150)
    let verified = 0
    for (const [index, fields] of decode(edited).entries()) {
      for (const state of STATES) {
        const values = (fields[state] ?? '').split(',').filter((value) => value !== '')
        expect([names[index], state, values]).not.toEqual([names[index], state, expect.arrayContaining(['0'])])
        verified += values.filter((value) => value === '1').length
      }
      const severities = (fields['_ws.expert.severity'] ?? '').split(',').map(Number)
      // Remarks about a packet inside another are not about the edit. SCTP's payload is its chunks, and other bytes are
      // not chunks.
      if (names[index]?.startsWith('alone ip'))
        expect([names[index], severities.includes(ERROR)]).toEqual([names[index], false])
    }
    expect(verified).toBeGreaterThan(250)
  },
  120_000,
)
