import { Errno, errnoName } from '@ringlink/codec'
import { match, P } from 'ts-pattern'
import { ClientError, type ClientErrorCode } from '../errors.ts'
import type { BatchRefusal } from './batch.ts'

/** Which part of the rules the kernel refused, and why. */
export interface RulesRefusal {
  /** index of the rule, if it is one rule's fault */
  readonly rule?: number | undefined
  /** kernel name of the expression within the rule, if the kernel reports it */
  readonly expression?: string | undefined
  /** positive, as in `errno.h` */
  readonly errno?: number | undefined
  readonly cause?: unknown
}

/** Rules that the kernel refused; none of them is installed. */
export class RulesError extends ClientError {
  /**
   * index, among those that were to be installed, of the rule that was refused; `undefined` when it is not one rule's
   * fault
   */
  readonly rule: number | undefined
  /** kernel name of the expression that was refused (`queue`, `ct`), if the kernel reports it */
  readonly expression: string | undefined
  /** positive, as in `errno.h` */
  readonly errno: number | undefined

  constructor(code: ClientErrorCode, message: string, { rule, expression, errno, cause }: RulesRefusal = {}) {
    super(code, message, cause === undefined ? undefined : { cause })
    this.name = 'RulesError'
    this.rule = rule
    this.expression = expression
    this.errno = errno
  }
}

const NO_NFTABLES = 'the kernel has no nf_tables (CONFIG_NF_TABLES, module nf_tables)'

/** The error for a batch that the kernel refused, with a message that says what to do. */
export function explainBatch(refusal: BatchRefusal, table: string): RulesError {
  const { part, error, expression, property } = refusal
  const { errno } = error
  const name = errnoName(errno)
  const at = { rule: part.rule, expression, errno, cause: error }
  const refused = (message: string) => new RulesError('RULES_REFUSED', message, at)
  const unsupported = (message: string) => new RulesError('RULES_UNSUPPORTED', message, at)
  return match([part.kind, errno] as const)
    .with(['batch', Errno.EPERM], () =>
      refused(`rules cannot be changed: CAP_NET_ADMIN is missing in this network namespace (${name})`),
    )
    .with(['batch', P.union(Errno.EOPNOTSUPP, Errno.EINVAL)], () => unsupported(`${NO_NFTABLES} (${name})`))
    .with([P.union('table', 'batch'), Errno.EAFNOSUPPORT], () =>
      unsupported(`${NO_NFTABLES} for ${part.what} (${name})`),
    )
    .with([P.union('table', 'chain', 'rule'), Errno.EPERM], () =>
      refused(`table ${table} belongs to another process, which alone may change it: choose another name (${name})`),
    )
    .with(['table', Errno.EEXIST], () =>
      refused(`there is a table ${table} already: choose another name, or remove it (${name})`),
    )
    .with(['chain', P.union(Errno.ENOENT, Errno.EOPNOTSUPP)], () =>
      unsupported(`the kernel has no ${part.what}, or its device is missing (${name})`),
    )
    .with(['rule', P.union(Errno.ENOENT, Errno.EOPNOTSUPP)], () =>
      unsupported(`the kernel does not support ${part.what}: ${expressionText(expression, property)} (${name})`),
    )
    .otherwise(() => refused(`${part.what} was refused: ${error.message}`))
}

/** The error for a statement that the kernel supports neither with its own expression nor with the xtables target. */
export function explainDialects(native: BatchRefusal, target: BatchRefusal): RulesError {
  const { part, error, expression } = native
  const name = expression === 'log' ? 'NFLOG' : 'NFQUEUE'
  const answers = `${errnoName(error.errno)} and ${errnoName(target.error.errno)}`
  const text = `the kernel does not support ${part.what}: in this family it has neither the expression ${expression} nor the target ${name}`
  return new RulesError('RULES_UNSUPPORTED', `${text} (${answers})`, {
    rule: part.rule,
    expression,
    errno: error.errno,
    cause: error,
  })
}

function expressionText(expression: string | undefined, property: string | undefined): string {
  if (expression === undefined) return 'it does not report what it lacks'
  const words = property === undefined ? '' : ` (${property})`
  return `it lacks the expression ${expression}${words}, or refuses it here`
}
