import {
  Errno,
  isNetlinkError,
  Memory,
  NfTablesMessage,
  nfnetlinkHeader,
  readNfnetlinkAttributes,
  tableAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { runsOf } from '@ringlink/test-support/fuzz'
import { doneMessage, errorMessage, first, packetMessage } from '@ringlink/test-support/messages'
import { ReferenceTransport } from '@ringlink/transport/conformance'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Request, Session } from '../src/index.ts'

/** Number of sequences of answers; `npm run fuzz` runs at least 10,000. */
const RUNS = runsOf(400)

const PORT_ID = 1

/** What happens to one datagram of an answer. */
type Fate =
  | { readonly kind: 'length'; readonly message: number; readonly length: number }
  | { readonly kind: 'attribute'; readonly message: number; readonly length: number }
  | { readonly kind: 'sequence' | 'port'; readonly message: number; readonly value: number }
  | { readonly kind: 'swap' }
  | { readonly kind: 'foreign'; readonly portId: number; readonly groups: number }
  | { readonly kind: 'packet' | 'junk' | 'large' }

/** A request and the kernel's answer to it. */
interface Plan {
  readonly kind: 'dump' | 'rows' | 'request' | 'answered'
  /** names of the rows of each datagram */
  readonly datagrams: readonly (readonly string[])[]
  /** the last rows and Done come in one datagram */
  readonly isDoneInside: boolean
  readonly errno: number
}

const name = fc.oneof(
  fc.stringMatching(/^[a-z]{1,12}$/),
  fc.nat(200).map((length) => 'x'.repeat(length + 1)),
)
const value = fc.integer({ min: 2, max: 0xffffffff })
const message = fc.nat(3)
const fate = fc.oneof<fc.Arbitrary<Fate>[]>(
  fc.record({ kind: fc.constant('length'), message, length: fc.oneof(fc.nat(120), value) }),
  // A wrong length that fits cannot be distinguished from the right one.
  fc.record({
    kind: fc.constant('attribute'),
    message,
    length: fc.oneof(fc.nat(3), fc.integer({ min: 300, max: 0xffff })),
  }),
  fc.record({ kind: fc.constantFrom('sequence', 'port'), message, value }),
  fc.record({ kind: fc.constant('swap') }),
  fc.record({ kind: fc.constant('foreign'), portId: fc.constantFrom(0, 77), groups: fc.constantFrom(0, 1 << 6) }),
  fc.record({ kind: fc.constantFrom('packet', 'junk', 'large') }),
)
const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom('dump', 'rows', 'request', 'answered'),
  datagrams: fc.array(fc.array(name, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
  isDoneInside: fc.boolean(),
  errno: fc.constantFrom(0, 0, 0, Errno.EPERM),
})
const scenario = fc.record({
  plans: fc.array(plan, { minLength: 1, maxLength: 3 }),
  fates: fc.uniqueArray(fc.record({ at: fc.nat(12), fate }), {
    maxLength: 4,
    // At most one of length and number is wrong: a datagram with both wrong looks like another socket's.
    selector: ({ fate: { kind } }) => (kind === 'port' || kind === 'length' ? 'sequence' : kind),
  }),
  batchSize: fc.integer({ min: 1, max: 6 }),
  /** frame size of the transport: longer datagrams are truncated */
  frameSize: fc.constantFrom(64, 192, 320, 1024, 1024),
})

function request(index: number, { kind }: Plan): Request {
  const answered = kind === 'answered'
  return {
    ...{ what: `request ${index}`, type: NfTablesMessage.GetTable, header: nfnetlinkHeader(0, 0), answered },
    ...{ set: tableAttributes, attributes: {} },
  }
}

function row(sequence: number, text: string, flags: number, portId = PORT_ID): Uint8Array {
  const memory = new Memory(1024)
  const header = { type: NfTablesMessage.NewTable, flags, sequence, portId, resourceId: 0 }
  return memory.copy(
    0,
    writeNfnetlinkMessage(memory, 0, 1024, tableAttributes, { ...header, attributes: { name: text } }),
  )
}

function joined(messages: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((bytes) => [...bytes]))
}

function kindOfNumber({ kind }: Fate): boolean {
  return kind === 'sequence' || kind === 'port'
}

function addressed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(12, PORT_ID, true)
  return bytes
}

interface Datagram {
  readonly messages: Uint8Array[]
  readonly groups: number
}

/** The datagrams that a kernel answers with. */
function answers(sent: Uint8Array, { kind, datagrams, isDoneInside, errno }: Plan): Datagram[] {
  const { sequence } = first(sent).view
  const isDump = kind === 'dump' || kind === 'rows'
  const rows = datagrams.map((names) => ({
    messages: names.map((text) => row(sequence, text, isDump ? 2 : 0)),
    groups: 0,
  }))
  const end = addressed(isDump ? doneMessage(sent, { errno }) : errorMessage(sent, errno))
  if (isDump && isDoneInside && rows.length > 0) rows.at(-1)?.messages.push(end)
  // For a request with an answer, the kernel acknowledges first and answers then.
  else if (kind === 'answered') rows.unshift({ messages: [end], groups: 0 })
  else rows.push({ messages: [end], groups: 0 })
  return rows
}

/** Applies `fate` to a datagram. Returns the result. */
function suffer({ messages, groups }: Datagram, fate: Fate, sequence: number): Datagram[] {
  const whole: Datagram = { messages, groups }
  const at = 'message' in fate ? fate.message % messages.length : 0
  const changed = (change: (view: DataView) => void): Datagram[] => {
    const copies = messages.map((bytes) => bytes.slice())
    const bytes = copies[at] as Uint8Array
    change(new DataView(bytes.buffer))
    return [{ messages: copies, groups }]
  }
  switch (fate.kind) {
    case 'length':
      return changed((view) => view.setUint32(0, fate.length, true))
    case 'attribute':
      return changed((view) => {
        if (view.byteLength > 22 && view.getUint16(4, true) >= 16) view.setUint16(20, fate.length, true)
      })
    case 'sequence':
      // A datagram of one message with another number is not damaged: it belongs to another request.
      return messages.length < 2 ? [whole] : changed((view) => view.setUint32(8, fate.value, true))
    case 'port':
      return messages.length < 2 ? [whole] : changed((view) => view.setUint32(12, fate.value, true))
    case 'foreign':
      if (fate.portId === 0 && fate.groups === 0) return [whole]
      return [{ messages: [row(sequence, 'evil', 0, fate.portId)], groups: fate.groups }, whole]
    case 'packet':
      return [{ messages: [packetMessage(1)], groups: 0 }, whole]
    case 'junk':
      return [{ messages: [new Uint8Array(7)], groups: 0 }, whole]
    case 'large':
      return [{ messages: [packetMessage(1, { payload: new Uint8Array(1200) })], groups: 0 }, whole]
    case 'swap':
      return [whole]
  }
}

function deliver(transport: ReferenceTransport, { messages, groups }: Datagram): void {
  transport.queue.push({ bytes: joined(messages), portId: 0, groups })
}

const CODES = new Set(['KERNEL', 'TRUNCATED', 'MALFORMED', 'TIMEOUT'])

test('a request ends with the right rows or an error with a documented code, however its answers are damaged', async () => {
  const ends: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(scenario, async ({ plans, fates, batchSize, frameSize }) => {
      let sent = 0
      const transport: ReferenceTransport = new ReferenceTransport(
        { outboxSize: 4096, sizes: { frameSize, batchSize, slabs: 3, poison: true } },
        (datagram) => {
          const plan = plans[sent++] as Plan
          const { sequence } = first(datagram).view
          const datagrams = answers(datagram, plan)
          const swaps: number[] = []
          for (const { at, fate } of fates) {
            const index = at % datagrams.length
            if (fate.kind === 'swap') swaps.push(at)
            else if (kindOfNumber(fate) && joined(datagrams[index]?.messages ?? []).length > frameSize) {
              // If the rest is cut off, nothing shows that the number is wrong.
            } else datagrams.splice(index, 1, ...suffer(datagrams[index] as Datagram, fate, sequence))
          }
          // Only within one wake-up, because the order is not known beyond it.
          for (const at of datagrams.length <= batchSize && transport.queue.length === 0 ? swaps : []) {
            const index = at % datagrams.length
            datagrams.splice(index, 0, ...datagrams.splice(index + 1, 1))
          }
          for (const each of datagrams) deliver(transport, each)
          transport.notify()
          return datagram.length
        },
      )
      await using session = new Session(transport, { requestTimeout: 40 })
      for (const [index, plan] of plans.entries()) {
        const expected = plan.datagrams.flat()
        let seen: Awaited<ReturnType<Session['request']>> = []
        try {
          const asked = request(index, plan)
          if (plan.kind === 'dump') seen = await session.dump(asked)
          else if (plan.kind === 'rows') for await (const each of session.rows(asked)) seen.push(each)
          else seen = await session.request(asked)
        } catch (error) {
          if (!isNetlinkError(error) || !CODES.has(error.code)) throw error
          ends[error.code] = (ends[error.code] ?? 0) + 1
          continue
        }
        ends.rows = (ends.rows ?? 0) + 1
        expect(plan.errno).toBe(0)
        const names = seen.map(({ view }) => readNfnetlinkAttributes(view, tableAttributes).name)
        if (plan.kind === 'answered' && plan.datagrams.length > 0) {
          // Several messages without Done are not one answer: the first wake-up with one of them ends the request.
          expect(names.length).toBeGreaterThan(0)
          for (const each of names) expect(expected).toContain(each)
        } else expect(names.toSorted()).toEqual(expected.toSorted())
      }
    }),
    { numRuns: RUNS },
  )
  // Each outcome must occur, so that none is the only one.
  for (const end of ['rows', ...CODES]) expect(ends[end], end).toBeGreaterThan(0)
}, 3_600_000)
