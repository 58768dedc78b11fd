/** The operations and multicast groups of a specification, with the numbers that its model gives them. */
import { kernelCase } from './names.ts'
import { meant, quoted, type Source } from './source.ts'

export interface Numbers {
  readonly request: number
  readonly reply: number | undefined
}

export interface OperationDefinition {
  readonly name: string
  readonly kernelName: string
  readonly set: string | undefined
  readonly header: string | undefined
  readonly do: Numbers | undefined
  readonly dump: Numbers | undefined
  readonly event: number | undefined
  readonly source: Source
}

export interface GroupDefinition {
  readonly name: string
  readonly value: number | undefined
}

/** Reads `operations`. */
export function readOperations(root: Source, family: string): readonly OperationDefinition[] {
  const operations = root.need('operations')
  const prefix = operations.get('name-prefix')?.text() ?? `${family}-cmd-`
  const model = operations.get('enum-model')?.oneOf(['unified', 'directional']) ?? 'unified'
  const sources = operations.need('list').list()
  const numbers = model === 'unified' ? unifiedNumbers(sources) : directionalNumbers(sources)
  const header = operations.get('fixed-header')?.text()
  const fallback = operations.get('fallback-attrs')?.text()
  const found = sources.map((source, index): OperationDefinition => {
    const name = source.need('name').text()
    const { request, reply } = numbers[index] ?? { request: 0, reply: 0 }
    const exchange = (mode: Source | undefined): Numbers | undefined => {
      if (mode === undefined) return undefined
      const isAnswered = mode.get('reply') !== undefined
      return { request, reply: isAnswered ? (model === 'unified' ? request : reply) : undefined }
    }
    const isEvent = source.get('notify') !== undefined || source.get('event') !== undefined
    return {
      name,
      kernelName: kernelCase((source.get('name-prefix')?.text() ?? prefix) + name),
      set: source.get('attribute-set')?.text() ?? fallback,
      header: source.get('fixed-header')?.text() ?? header,
      do: exchange(source.get('do')),
      dump: exchange(source.get('dump')),
      event: isEvent ? (model === 'unified' ? request : reply) : undefined,
      source,
    }
  })
  return found.map((operation) => notified(operation, found))
}

/** A notification has the attributes of the operation that it reports. */
function notified(operation: OperationDefinition, all: readonly OperationDefinition[]): OperationDefinition {
  const notify = operation.source.get('notify')
  if (notify === undefined) return operation
  const told = all.find(({ name }) => name === notify.text())
  if (told === undefined) {
    throw notify.error(
      `no operation ${quoted(notify.text())}${meant(
        notify.text(),
        all.map(({ name }) => name),
      )}`,
    )
  }
  return { ...operation, set: told.set, header: told.header }
}

/** Requests and answers have one number; each operation the next. */
function unifiedNumbers(sources: readonly Source[]): { request: number; reply: number }[] {
  let next = 1
  return sources.map((source) => {
    const value = source.get('value')?.number() ?? next
    next = value + 1
    return { request: value, reply: value }
  })
}

/** Requests and answers are counted apart. */
function directionalNumbers(sources: readonly Source[]): { request: number; reply: number }[] {
  let [request, reply] = [1, 1]
  return sources.map((source) => {
    if (source.get('notify') !== undefined || source.get('event') !== undefined) {
      reply = source.get('value')?.number() ?? reply
      return { request, reply: reply++ }
    }
    const mode = source.get('do') ?? source.get('dump')
    if (mode === undefined) return { request, reply }
    request = mode.get('request')?.get('value')?.number() ?? request
    reply = mode.get('reply')?.get('value')?.number() ?? reply
    const numbers = { request, reply }
    request++
    if (mode.get('reply') !== undefined) reply++
    return numbers
  })
}

/** Reads `mcast-groups`. */
export function readGroups(root: Source): readonly GroupDefinition[] {
  return (root.get('mcast-groups')?.need('list').list() ?? []).map((source) => ({
    name: source.need('name').text(),
    value: source.get('value')?.number(),
  }))
}
