/** What the kernel accepts in the requests of a generic family, as it says itself (`CTRL_CMD_GETPOLICY`, Linux 5.7). */
import {
  attributeSet,
  type Message,
  nested,
  readAttributes,
  s64,
  text,
  typeValue,
  u16,
  u32,
  u64,
} from '@ringlink/codec'
import type { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import { CONTROLLER } from './controller.ts'
import { GENERIC_ATTRIBUTES, genericHeader } from './layout.ts'

/** CTRL_CMD_GETPOLICY */
const GET_POLICY = 10
const VERSION = 2

const typeAttributes = attributeSet('NL_POLICY_TYPE_ATTR', {
  type: u32(1, 'NL_POLICY_TYPE_ATTR_TYPE'),
  minimumSigned: s64(2, 'NL_POLICY_TYPE_ATTR_MIN_VALUE_S'),
  maximumSigned: s64(3, 'NL_POLICY_TYPE_ATTR_MAX_VALUE_S'),
  minimum: u64(4, 'NL_POLICY_TYPE_ATTR_MIN_VALUE_U'),
  maximum: u64(5, 'NL_POLICY_TYPE_ATTR_MAX_VALUE_U'),
  minimumLength: u32(6, 'NL_POLICY_TYPE_ATTR_MIN_LENGTH'),
  maximumLength: u32(7, 'NL_POLICY_TYPE_ATTR_MAX_LENGTH'),
  policy: u32(8, 'NL_POLICY_TYPE_ATTR_POLICY_IDX'),
  maximumAttribute: u32(9, 'NL_POLICY_TYPE_ATTR_POLICY_MAXTYPE'),
  bitfieldMask: u32(10, 'NL_POLICY_TYPE_ATTR_BITFIELD32_MASK'),
  mask: u64(12, 'NL_POLICY_TYPE_ATTR_MASK'),
})
const operationAttributes = attributeSet('CTRL_ATTR_POLICY', {
  do: u32(1, 'CTRL_ATTR_POLICY_DO'),
  dump: u32(2, 'CTRL_ATTR_POLICY_DUMP'),
})
const policyAttributes = attributeSet('CTRL_ATTR', {
  id: u16(1, 'CTRL_ATTR_FAMILY_ID'),
  name: text(2, 'CTRL_ATTR_FAMILY_NAME'),
  policy: typeValue(nested(8, 'CTRL_ATTR_POLICY', typeAttributes), ['policy', 'attribute']),
  operation: typeValue(nested(9, 'CTRL_ATTR_OP_POLICY', operationAttributes), ['command']),
})

/** What may be in one attribute: its type and bounds (`enum netlink_attribute_type`), or the policy of the nest in it. */
export interface AttributePolicy {
  readonly policy: number
  readonly attribute: number
  readonly value: ReturnType<typeof readPolicy>['policy'] extends (infer Row)[] | undefined
    ? Row extends { value: infer Value }
      ? Value
      : never
    : never
}

/** Which policy the requests of a command have. */
export interface OperationPolicy {
  readonly command: number
  readonly do: number | undefined
  readonly dump: number | undefined
}

function readPolicy({ view: { memory, offset, length } }: Message) {
  return readAttributes(policyAttributes, memory, offset + GENERIC_ATTRIBUTES, length - GENERIC_ATTRIBUTES)
}

/** Asks the controller for the policies of a family. Rejects as a dump does. */
export async function readPolicies(
  session: Session,
  name: string,
  options: RequestOptions,
): Promise<{ attributes: AttributePolicy[]; operations: OperationPolicy[] }> {
  const header = genericHeader(GET_POLICY, VERSION)
  const what = `read policy of ${name}`
  const messages = await session.dump(
    { what, type: CONTROLLER, header, set: policyAttributes, attributes: { name } },
    options,
  )
  const values = messages.map(readPolicy)
  return {
    attributes: values.flatMap(({ policy = [] }) => policy),
    operations: values
      .flatMap(({ operation = [] }) => operation)
      .map(({ command, value }) => ({ command, do: value.do, dump: value.dump })),
  }
}
