import { bitwise, byteorder } from './arithmetic.ts'
import { ct, notrack } from './ct.ts'
import { objref, quota, reject } from './decisions.ts'
import type { ExpressionKind } from './expression.ts'
import { immediate } from './immediate.ts'
import { exthdr, fib, socket } from './look-ups.ts'
import { cmp, limit, range } from './matches.ts'
import { meta } from './meta.ts'
import { payload } from './packet-data.ts'
import { dynset, lookup } from './sets.ts'
import { counter, log, queue, target } from './statements.ts'

/** The kinds of expressions that the simulator knows. */
export const expressionKinds: readonly ExpressionKind[] = [
  bitwise,
  byteorder,
  cmp,
  counter,
  ct,
  dynset,
  exthdr,
  fib,
  immediate,
  limit,
  log,
  lookup,
  meta,
  notrack,
  objref,
  payload,
  queue,
  quota,
  range,
  reject,
  socket,
  target,
]

/** Their names. */
export const expressionNames: readonly string[] = expressionKinds.map(({ name }) => name)
