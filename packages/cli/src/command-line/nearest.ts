import { nearestNames } from '@ringlink/codec/options'
import { alternatives } from './alternatives.ts'

/** `, did you mean --drop?`, or nothing if no known word is near. Leading dashes are ignored. */
export function didYouMean(word: string, known: readonly string[]): string {
  const names = new Map(known.map((name) => [withoutDashes(name), name]))
  const nearest = nearestNames(withoutDashes(word), [...names.keys()])
  return nearest.length === 0 ? '' : `, did you mean ${alternatives(nearest.map((name) => names.get(name) ?? name))}?`
}

function withoutDashes(word: string): string {
  return word.replace(/^-+/, '')
}
