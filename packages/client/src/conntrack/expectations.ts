import {
  ExpectationMessage,
  ExpectationView,
  expectationAttributes,
  isNetlinkError,
  type Message,
  type MessageView,
  NetfilterGroup,
  readNfnetlinkAttributes,
} from '@ringlink/codec'
import type { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import type { NotificationBatch, Subscription } from '../subscription.ts'
import { expectedOf } from './connection.ts'
import { familyOfTuple, newExpectationValues, tupleValues } from './encode.ts'
import { explainRefused, isGone, MASTER_WITHOUT_HELPER } from './errors.ts'
import { CREATE, dumpExpectations, expectationRequest } from './requests.ts'
import { checkExpectationPlace, checkNewExpectation, checkTuple } from './schema.ts'
import type { ConnectionTuple, ExpectationPlace, ExpectedConnection, NewExpectation } from './types.ts'

/** An event of an expected connection. */
export interface ExpectationEvent {
  readonly event: 'new' | 'update' | 'destroy'
  readonly expectation: ExpectedConnection
}

/** The connections that the kernel expects. Methods reject as those of `Conntrack`. */
export class Expectations {
  readonly #session: Session

  /** Made by a `Conntrack`. */
  constructor(session: Session) {
    this.#session = session
  }

  /** All expected connections. */
  async list(options: RequestOptions = {}): Promise<ExpectedConnection[]> {
    try {
      return (await this.#session.dump(dumpExpectations(0), options)).map(({ view }) => expectation(view))
    } catch (error) {
      throw explainRefused(error, 'list expectations', 'expectation')
    }
  }

  /** An expected connection by its tuple, which must be complete. Rejects with code `CONNECTION_GONE`. */
  async get(tuple: ConnectionTuple, place: ExpectationPlace = {}): Promise<ExpectedConnection> {
    const [message] = await this.#request('get expectation', ExpectationMessage.Get, tuple, place)
    return expectation((message as Message).view)
  }

  /** Expects a connection. Rejects with code `CONNECTION_GONE` if the master does not exist. */
  async create(given: NewExpectation): Promise<void> {
    const what = 'create expectation'
    const { family, attributes } = newExpectationValues(checkNewExpectation(given))
    try {
      await this.#session.request(expectationRequest(what, ExpectationMessage.New, family, attributes, CREATE))
    } catch (error) {
      throw explainRefused(error, what, 'expectation', MASTER_WITHOUT_HELPER)
    }
    // A new one has the timeout of its helper: the kernel ignores the one in the request.
    const { tuple, mask, master, zone, timeout } = attributes
    const renewal = { tuple, mask, master, zone, timeout }
    try {
      await this.#session.request(expectationRequest(what, ExpectationMessage.New, family, renewal))
    } catch (error) {
      // The expected connection has begun.
      if (!isGone(error)) throw explainRefused(error, what, 'expectation')
    }
  }

  /** Removes an expected connection. Rejects with code `CONNECTION_GONE`. */
  async delete(tuple: ConnectionTuple, place: ExpectationPlace = {}): Promise<void> {
    await this.#request('delete expectation', ExpectationMessage.Delete, tuple, place)
  }

  /** Removes all expected connections. */
  async flush(): Promise<void> {
    const what = 'flush expectations'
    try {
      await this.#session.request(expectationRequest(what, ExpectationMessage.Delete, 0))
    } catch (error) {
      throw explainRefused(error, what, 'expectation')
    }
  }

  /**
   * Events of expected connections from now on, with the number of lost ones. Nothing else may receive from the session
   * of the `Conntrack`.
   */
  events(): ExpectationEvents {
    const { ExpectationNew, ExpectationUpdate, ExpectationDestroy } = NetfilterGroup
    return new ExpectationEvents(this.#session.subscribe([ExpectationNew, ExpectationUpdate, ExpectationDestroy]))
  }

  async #request(
    what: string,
    type: ExpectationMessage,
    given: ConnectionTuple,
    place: ExpectationPlace,
  ): Promise<Message[]> {
    const tuple = checkTuple(what, given)
    const { zone = 0 } = checkExpectationPlace(what, place)
    const attributes = { tuple: tupleValues(tuple), zone: zone === 0 ? undefined : zone }
    try {
      return await this.#session.request(expectationRequest(what, type, familyOfTuple(tuple), attributes))
    } catch (error) {
      throw explainRefused(error, what, 'expectation')
    }
  }
}

/** Events of expected connections. */
export class ExpectationEvents implements AsyncIterable<readonly ExpectationEvent[]>, AsyncDisposable {
  /** events that the kernel could not deliver */
  get lost(): number {
    return this.#subscription.stats.lost
  }
  readonly #subscription: Subscription

  constructor(subscription: Subscription) {
    this.#subscription = subscription
  }

  /** The events of one wake-up; none if some were lost and nothing followed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly ExpectationEvent[], void, undefined> {
    for await (const batch of this.#subscription) yield [...eventsOf(batch)]
  }

  /** Leaves the groups, and ends the loop. */
  close(): void {
    this.#subscription.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}

function* eventsOf(batch: NotificationBatch): Generator<ExpectationEvent> {
  const view = new ExpectationView()
  for (const { memory, offset, length } of batch) {
    try {
      view.wrap(memory, offset, length)
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      continue
    }
    yield { event: view.event, expectation: expectedOf(view.attributes()) }
  }
}

function expectation(view: MessageView): ExpectedConnection {
  return expectedOf(readNfnetlinkAttributes(view, expectationAttributes))
}
