/** nft's words for what an expression loads. */
import type { Expression } from '@ringlink/codec'
import { fields } from './fields.ts'

/** The words of the property that an expression loads, `meta hour`; `undefined` for what is not one. */
export function propertyWords({ name, data }: Expression): string | undefined {
  const key = keyOf(data)
  const direction = directionOf(data)
  if (name === undefined || key === undefined) return undefined
  for (const version of [4, 6] as const) {
    for (const field of fields) {
      const isIt = field.form({ version }).load.some((it) => {
        return it.name === name && keyOf(it.data) === key && directionOf(it.data) === direction
      })
      if (isIt) return field.words[version === 6 ? field.words.length - 1 : 0]
    }
  }
  return undefined
}

function keyOf(data: Expression['data']): number | undefined {
  return data !== undefined && 'key' in data ? data.key : undefined
}

/** The direction of a connection whose counters are loaded. */
function directionOf(data: Expression['data']): number | undefined {
  return data !== undefined && 'direction' in data ? data.direction : undefined
}
