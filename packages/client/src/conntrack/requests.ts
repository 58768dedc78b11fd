/** The requests of connection tracking, as data. */
import {
  type Conntrack,
  ConntrackMessage,
  conntrackAttributes,
  type Expectation,
  ExpectationMessage,
  expectationAttributes,
  NewFlag,
  nfnetlinkHeader,
} from '@ringlink/codec'
import type { RequestData } from '../request.ts'

type ConnectionRequest = RequestData<typeof conntrackAttributes>
type ExpectationRequest = RequestData<typeof expectationAttributes>

export function connectionRequest(
  what: string,
  type: ConntrackMessage,
  family: number,
  attributes?: Conntrack,
  flags = 0,
): ConnectionRequest {
  return { what, type, flags, header: nfnetlinkHeader(family, 0), set: conntrackAttributes, attributes }
}

export function expectationRequest(
  what: string,
  type: ExpectationMessage,
  family: number,
  attributes?: Expectation,
  flags = 0,
): ExpectationRequest {
  return { what, type, flags, header: nfnetlinkHeader(family, 0), set: expectationAttributes, attributes }
}

/** A message that creates an object, and is refused if it exists. */
export const CREATE: number = NewFlag.Create | NewFlag.Exclusive

export const dumpConnections = (
  family: number,
  filter: Conntrack,
  type: ConntrackMessage = ConntrackMessage.Get,
): ConnectionRequest => connectionRequest('list connections', type, family, filter)

export const dumpExpectations = (family: number): ExpectationRequest =>
  expectationRequest('list expectations', ExpectationMessage.Get, family)
