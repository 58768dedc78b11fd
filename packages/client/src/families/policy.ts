/** What the kernel accepts in the requests of a generic family, as it says itself (`CTRL_CMD_GETPOLICY`, Linux 5.7). */
import { ControllerCommand, controllerAttributes, GenericFamilyId, type Message, readAttributes } from '@ringlink/codec'
import { GENERIC_ATTRIBUTES, genericHeader } from '@ringlink/codec/internal'
import type { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import { CONTROLLER_VERSION } from './controller.ts'

/**
 * What may be in one attribute: its type and bounds (`enum netlink_attribute_type`), or the policy of the nest in it.
 */
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
  return readAttributes(controllerAttributes, memory, offset + GENERIC_ATTRIBUTES, length - GENERIC_ATTRIBUTES)
}

/** Asks the controller for the policies of a family. Rejects as a dump does. */
export async function readPolicies(
  session: Session,
  name: string,
  options: RequestOptions,
): Promise<{ attributes: AttributePolicy[]; operations: OperationPolicy[] }> {
  const header = genericHeader(ControllerCommand.GetPolicy, CONTROLLER_VERSION)
  const what = `read policy of ${name}`
  const messages = await session.dump(
    { what, type: GenericFamilyId.Controller, header, set: controllerAttributes, attributes: { name } },
    options,
  )
  const values = messages.map(readPolicy)
  return {
    attributes: values.flatMap(({ policy = [] }) => policy),
    operations: values
      .flatMap(({ operationPolicy = [] }) => operationPolicy)
      .map(({ command, value }) => ({ command, do: value.do, dump: value.dump })),
  }
}
