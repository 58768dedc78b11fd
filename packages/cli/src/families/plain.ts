import { type FamilyDescription, type Plain, plainAttributes, plainBody, replyLayout } from '@ringlink/codec'

/** The values of a message of an operation as JSON has them. */
export function plainValues({ operations }: FamilyDescription, name: string, values: unknown): Record<string, Plain> {
  const operation = operations[name]
  if (operation === undefined) return {}
  // Records are plain already.
  if (operation.record !== undefined) return JSON.parse(JSON.stringify(values)) as Record<string, Plain>
  const { header, attributes: set } = replyLayout(operation)
  const given = values as Readonly<Record<string, unknown>>
  return header === undefined ? plainAttributes(set, given) : plainBody({ kind: 'body', header, set }, given)
}
