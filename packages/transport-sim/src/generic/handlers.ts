/** What a test gives to register a generic family: handlers for the operations of a description. */
import type { FamilyDescription, OperationRequest, OperationValues } from '@ringlink/codec'

/** Who sent a request, and how. */
export interface RequestOrigin {
  readonly portId: number
  /** whether the sender has CAP_NET_ADMIN */
  readonly privileged: boolean
  /** `nlmsg_flags` */
  readonly flags: number
}

/** How one operation is carried out. Handlers refuse by throwing {@link Refusal}. */
export interface OperationHandler<Request, Values> {
  /** Carries out a request; the values of its answer, or `undefined` where the acknowledgement is all. */
  readonly do?: ((request: Request, origin: RequestOrigin) => Values | undefined) | undefined
  /** The rows of a dump. Those that come before it throws are sent. */
  readonly dump?: ((request: Request, origin: RequestOrigin) => Iterable<Values>) | undefined
  /** it needs CAP_NET_ADMIN (GENL_UNS_ADMIN_PERM); default false */
  readonly privileged?: boolean | undefined
  /** the attributes that requests may have, by their names; default all of the table, and `[]`: nobody looks at them */
  readonly accepts?: readonly string[] | undefined
  /** as `accepts`, for requests to dump */
  readonly dumpAccepts?: readonly string[] | undefined
}

/** Handlers by the names of a description's operations. Operations without one are EOPNOTSUPP. */
export type FamilyHandlers<Description extends FamilyDescription> = {
  readonly [Name in keyof Description['operations']]?: OperationHandler<
    OperationRequest<Description['operations'][Name]>,
    OperationValues<Description['operations'][Name]>
  >
}

/** What the kernel says in addition to an errno. */
export interface RefusalDetails {
  /** the text of the extended ack */
  readonly message?: string | undefined
  /** the attribute at fault, by names from the top: `['header', 'devName']` */
  readonly attribute?: readonly string[] | undefined
  /** the attribute that is missing, by its name at the top level */
  readonly missing?: string | undefined
}

/** Thrown by a handler: the request is answered with `errno` (positive), and the details in its extended ack. */
export class Refusal extends Error {
  readonly errno: number
  readonly details: RefusalDetails

  constructor(errno: number, details: RefusalDetails = {}) {
    super(details.message ?? `refused with errno ${errno}`)
    this.name = 'Refusal'
    this.errno = errno
    this.details = details
  }
}
