/**
 * An expected connection as the kernel lists and reports it: IPCTNL_MSG_EXP_NEW, or IPCTNL_MSG_EXP_DELETE when it is
 * gone.
 */
import { MessageView, NewFlag } from '../../wire/message.ts'
import { readNfnetlinkAttributes } from '../header.ts'
import { type Expectation, expectationAttributes } from './expectation.ts'
import { ExpectationMessage } from './messages.ts'
import { NestedIndex, NestedMessageView } from './nested-view.ts'
import type { ConntrackEvent } from './view.ts'

const index = new NestedIndex(expectationAttributes, [ExpectationMessage.New, ExpectationMessage.Delete])
const ID = index.slot('id')
const TIMEOUT = index.slot('timeout')
const ZONE = index.slot('zone')
const HELPER = index.slot('helperName')

/**
 * An expected connection in place; `NestedMessageView` says how long it is valid. Everything without a property here is
 * in {@link attributes}.
 */
export class ExpectationView extends NestedMessageView {
  readonly #message = new MessageView()

  constructor() {
    super(index)
  }

  /** the event of the message; a row of a dump reads as `update` */
  get event(): ConntrackEvent {
    if (this.messageType === ExpectationMessage.Delete) return 'destroy'
    return (this.messageFlags & NewFlag.Create) !== 0 ? 'new' : 'update'
  }

  /** CTA_EXPECT_ID */
  get id(): number | undefined {
    return this.wordAt(ID)
  }

  /** seconds until it expires (CTA_EXPECT_TIMEOUT) */
  get timeout(): number | undefined {
    return this.wordAt(TIMEOUT)
  }

  /** CTA_EXPECT_ZONE */
  get zone(): number | undefined {
    return this.halfWordAt(ZONE)
  }

  /** The helper that expects it (CTA_EXPECT_HELP_NAME). */
  helper(): string | undefined {
    return this.textAt(HELPER)
  }

  /** All attributes of the message as owned values, unknown ones included. Throws `DecodeError`. */
  attributes(): Expectation {
    return readNfnetlinkAttributes(this.#message.wrap(this.memory, this.offset, this.length), expectationAttributes)
  }
}
