import {
  type AttributeSet,
  type AttributeValues,
  attributesFrom,
  bodyFrom,
  EncodeError,
  type FamilyDescription,
  isNetlinkError,
  type Message,
  type MessageView,
  type OperationDescription,
  type OperationRequest,
  type OperationValues,
  replyLayout,
} from '@ringlink/codec'
import { outOfRange, unknownMember } from '@ringlink/codec/internal'
import type { Transport } from '@ringlink/transport'
import type { Request } from '../request.ts'
import type { Session } from '../session.ts'
import type { FamilyRequestOptions, RequestOptions } from '../session-options.ts'
import { readFamilyRequest } from '../session-schema.ts'
import type { NotificationBatch } from '../subscription.ts'
import { messageNumber, messageValues, requestHeader } from './layout.ts'
import { type AttributePolicy, type OperationPolicy, readPolicies } from './policy.ts'
import { hasRecords, readRecord } from './records.ts'

/** The names of a family's operations. */
export type OperationName<Description extends FamilyDescription> = keyof Description['operations'] & string
type GroupName<Description extends FamilyDescription> = keyof Description['groups'] & string
type Operation<
  Description extends FamilyDescription,
  Name extends OperationName<Description>,
> = Description['operations'][Name]

/** What the kernel tells the members of a group: which operation it was, and the values of its message. */
export type FamilyNotification<Description extends FamilyDescription> = {
  [Name in OperationName<Description>]: {
    readonly operation: Name
    readonly values: OperationValues<Operation<Description, Name>>
  }
}[OperationName<Description>]

/** What a family has seen since it was opened. */
export interface FamilyStats {
  /** attributes without a description, at the top level of messages; they are in `unknown` */
  unknownAttributes: number
  /** notifications that no operation describes, or that cannot be read */
  unreadable: number
  /** notifications that the kernel could not deliver */
  lost: number
}

/** The number of messages, and of groups, that the kernel gave to a family. */
export interface FamilyNumbers {
  /** `nlmsg_type` of a generic family's messages; of others `undefined` */
  readonly id: number | undefined
  readonly groups: ReadonlyMap<string, number>
}

/**
 * A netlink family: its requests, dumps and notifications, typed from its description. Every request is checked against
 * the tables before it is sent: it is refused with code `ATTRIBUTE_UNKNOWN` or `VALUE_RANGE` and the path of what is
 * wrong.
 *
 *     await using links = await openFamily(rtLink)
 *     for (const { ifname, mtu } of await links.dump('getlink')) console.log(ifname, mtu)
 */
export class NetlinkFamily<Description extends FamilyDescription = FamilyDescription> implements AsyncDisposable {
  readonly description: Description
  readonly session: Session
  readonly stats: Readonly<FamilyStats>
  readonly #stats: FamilyStats = { unknownAttributes: 0, unreadable: 0, lost: 0 }
  readonly #numbers: FamilyNumbers
  readonly #events: ReadonlyMap<number, string>

  /** For {@link openFamily}, which finds the numbers. */
  constructor(description: Description, session: Session, numbers: FamilyNumbers) {
    this.description = description
    this.session = session
    this.stats = this.#stats
    this.#numbers = numbers
    this.#events = eventNames(description)
  }

  get transport(): Transport {
    return this.session.transport
  }

  /** `nlmsg_type` of a generic family's messages, which the kernel chose; of others `undefined`. */
  get id(): number | undefined {
    return this.#numbers.id
  }

  /** Carries out an operation; the values of its answer, if it has one. Rejects as a request does. */
  async do<Name extends OperationName<Description>>(
    name: Name,
    request: OperationRequest<Operation<Description, Name>> | undefined = undefined,
    options: FamilyRequestOptions = {},
  ): Promise<OperationValues<Operation<Description, Name>> | undefined> {
    const { flags, ...others } = this.#options('do', name, options)
    const messages = await this.session.request(this.#request(name, 'do', request, flags), others)
    const [values] = messages.map((message) => this.#values(name, message))
    return values
  }

  /** Asks for all that an operation lists. Rejects as a dump does. */
  async dump<Name extends OperationName<Description>>(
    name: Name,
    request: OperationRequest<Operation<Description, Name>> | undefined = undefined,
    options: FamilyRequestOptions = {},
  ): Promise<OperationValues<Operation<Description, Name>>[]> {
    const { flags, ...others } = this.#options('dump', name, options)
    const asked = this.#request(name, 'dump', request, flags)
    const messages = await (asked.answered === true
      ? this.session.request(asked, others)
      : this.session.dump(asked, others))
    return messages.map((message) => this.#values(name, message))
  }

  /** As {@link dump}, row by row: a slow loop makes the kernel's dump wait. */
  async *rows<Name extends OperationName<Description>>(
    name: Name,
    request: OperationRequest<Operation<Description, Name>> | undefined = undefined,
    options: FamilyRequestOptions = {},
  ): AsyncGenerator<OperationValues<Operation<Description, Name>>, void, undefined> {
    const { flags, ...others } = this.#options('dump', name, options)
    const asked = this.#request(name, 'dump', request, flags)
    const messages =
      asked.answered === true ? await this.session.request(asked, others) : this.session.rows(asked, others)
    for await (const message of messages) yield this.#values(name, message)
  }

  /**
   * Joins multicast groups, by their names; what is sent to them from then on. One subscription at a time. Ends when
   * the family is closed; leaving the loop leaves the groups. Rejects with code `ATTRIBUTE_UNKNOWN` for a name that the
   * family or the kernel does not have.
   */
  async *subscribe(
    ...groups: readonly GroupName<Description>[]
  ): AsyncGenerator<FamilyNotification<Description>, void, undefined> {
    const subscription = this.session.subscribe(
      groups.map((group) => this.#groupNumber(group)),
      hasRecords(this.description),
    )
    let malformed = 0
    try {
      for await (const batch of subscription) {
        this.#stats.lost += batch.lost
        this.#stats.unreadable += subscription.stats.malformed - malformed
        malformed = subscription.stats.malformed
        const notifications = this.#notifications(batch)
        // The values are copies: a slow loop keeps no frame from the kernel.
        batch.finish()
        yield* notifications
      }
    } finally {
      subscription.close()
    }
  }

  /**
   * What the kernel accepts in the requests of a generic family; rejects with code `VALUE_RANGE` for others, which have
   * no policy.
   */
  async policy(
    options: RequestOptions = {},
  ): Promise<{ attributes: readonly AttributePolicy[]; operations: readonly OperationPolicy[] }> {
    const { generic, name } = this.description
    if (generic === undefined) throw new EncodeError('VALUE_RANGE', `${name}: only generic families tell their policy`)
    return readPolicies(this.session, generic.name, options)
  }

  async close(): Promise<void> {
    await this.session.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #options(mode: 'do' | 'dump', name: string, given: FamilyRequestOptions): FamilyRequestOptions {
    this.#operation(name)
    return readFamilyRequest(`${mode} ${this.description.name} ${name}`, given)
  }

  #operation(name: string): OperationDescription {
    const { operations, name: family } = this.description
    if (typeof name !== 'string') throw outOfRange(`operation of ${family}`, 'a string', name)
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
    if (operation !== undefined) return operation
    throw unknownMember(`${family} has no operation`, name, Object.keys(operations))
  }

  #unknown(reason: string): EncodeError {
    return new EncodeError('ATTRIBUTE_UNKNOWN', `${this.description.name} ${reason}`)
  }

  #request(name: string, mode: 'do' | 'dump', given: unknown, flags = 0): Request {
    const operation = this.#operation(name)
    const numbers = operation[mode]
    const { header, attributes: set } = operation
    if (numbers === undefined) {
      const others = Object.keys(this.description.operations).filter((key) => this.#operation(key)[mode] !== undefined)
      throw this.#unknown(`cannot ${mode} ${name}; it can ${mode} ${others.join(', ')}`)
    }
    const what = `${mode} ${this.description.name} ${name}`
    const { errors } = this.description
    const { isLate: answered } = numbers
    const { record } = operation
    if (record !== undefined) {
      if (record.write === undefined && given !== undefined) throw this.#unknown(`${name} takes no values`)
      if (record.write !== undefined && given === undefined) throw this.#unknown(`${name} needs values`)
      const written = given === undefined ? undefined : record.write?.(given)
      return { what, answered, errors, type: numbers.request, flags, header: written }
    }
    const { fields, attributes } = split(header, set, given === undefined ? {} : given)
    const isGeneric = this.description.generic !== undefined
    return {
      what,
      answered,
      errors,
      type: isGeneric ? (this.#numbers.id ?? 0) : numbers.request,
      flags,
      header: requestHeader(this.description, operation, numbers.request, fields),
      set,
      attributes,
    }
  }

  #values<Name extends OperationName<Description>>(
    name: Name,
    { view }: Message,
  ): OperationValues<Operation<Description, Name>> {
    return this.#read(this.#operation(name), view) as OperationValues<Operation<Description, Name>>
  }

  #read(operation: OperationDescription, view: MessageView): object {
    if (operation.record !== undefined) {
      return operation.record.read(view.memory, view.payloadOffset, view.payloadLength, view.type)
    }
    const values = messageValues(this.description, replyLayout(operation), view)
    if ('unknown' in values && Array.isArray(values.unknown)) this.#stats.unknownAttributes += values.unknown.length
    return values
  }

  #groupNumber(group: string): number {
    const { groups, name } = this.description
    if (typeof group !== 'string') throw outOfRange(`group of ${name}`, 'a string', group)
    const described = Object.hasOwn(groups, group) ? groups[group] : undefined
    if (typeof described === 'number') return described
    const number = described === undefined ? undefined : this.#numbers.groups.get(described)
    if (number !== undefined) return number
    const known = described === undefined ? Object.keys(groups) : [...this.#numbers.groups.keys()]
    throw unknownMember(`${name} has no group`, group, known)
  }

  #notifications(batch: NotificationBatch): FamilyNotification<Description>[] {
    const found: object[] = []
    if (hasRecords(this.description)) {
      for (const datagram of batch.datagrams()) {
        const record = readRecord(this.description, datagram)
        if (record === undefined) this.#stats.unreadable++
        else found.push(record)
      }
      return found as FamilyNotification<Description>[]
    }
    for (const view of batch) {
      const notification = this.#notification(view)
      if (notification !== undefined) found.push(notification)
    }
    return found as FamilyNotification<Description>[]
  }

  #notification(view: MessageView): object | undefined {
    const { id } = this.#numbers
    if (id !== undefined && view.type !== id) return undefined
    const operation = this.#events.get(messageNumber(this.description, view))
    if (operation === undefined) {
      this.#stats.unreadable++
      return undefined
    }
    try {
      return { operation, values: this.#read(this.#operation(operation), view) }
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      this.#stats.unreadable++
      return undefined
    }
  }
}

/** The header's fields and the attributes of a request, checked. */
function split(
  header: OperationDescription['header'],
  set: AttributeSet,
  given: unknown,
): { fields: Readonly<Record<string, unknown>> | undefined; attributes: AttributeValues<AttributeSet> } {
  if (header === undefined) return { fields: undefined, attributes: attributesFrom(set, given) }
  const { header: fields, ...attributes } = bodyFrom({ kind: 'body', header, set }, given)
  return { fields: fields as Readonly<Record<string, unknown>>, attributes }
}

/**
 * Which operation a notification is, by its number: one that says so; else a request without an answer (`RTM_NEWROUTE`
 * is sent in both directions); else the one that it would answer.
 */
function eventNames({ operations }: FamilyDescription): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  const note = (number: number | undefined, name: string) => {
    if (number !== undefined && !names.has(number)) names.set(number, name)
  }
  const all = Object.entries(operations)
  for (const [name, { event }] of all) note(event, name)
  for (const [name, operation] of all) if (operation.do?.reply === undefined) note(operation.do?.request, name)
  for (const [name, operation] of all) note(operation.do?.reply ?? operation.dump?.reply, name)
  return names
}
