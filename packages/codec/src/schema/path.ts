import { AttributeIterator, type AttributeView, MAXIMUM_DEPTH } from '../wire/attribute.ts'
import type { Memory } from '../wire/memory.ts'
import { type AttributeSet, attributeByNumber, selectedSet } from './format.ts'
import { readSelectors } from './read.ts'

/**
 * The kernel's names of the attributes that contain byte `at` of the memory, outermost first: names the place that an
 * extended ack's offset points at. Empty if there is no attribute; an attribute that is not in the table is given by
 * number.
 */
export function attributePath(set: AttributeSet, memory: Memory, offset: number, length: number, at: number): string[] {
  const path: string[] = []
  let region: Region | undefined = { set, start: offset, length }
  while (region !== undefined && path.length <= MAXIMUM_DEPTH) {
    const view = attributeAround(memory, region.start, region.length, at)
    if (view === undefined) break
    const name = attributeByNumber(region.set, view.type)?.kernelName
    path.push(name ?? `${region.set.name} attribute ${view.type}`)
    region = regionWithin(region, memory, view, at)
  }
  return path
}

/**
 * The set of the nest that begins at byte `at` of the memory, within a region of `set`: `NLMSGERR_ATTR_MISS_NEST` in an
 * extended ack names such a nest. `undefined` when no nest begins there or its table is unknown.
 */
export function nestedSetAt(
  set: AttributeSet,
  memory: Memory,
  offset: number,
  length: number,
  at: number,
): AttributeSet | undefined {
  let region: Region | undefined = { set, start: offset, length }
  for (let depth = 0; depth <= MAXIMUM_DEPTH && region !== undefined; depth++) {
    const view = attributeAround(memory, region.start, region.length, at)
    if (view === undefined) return undefined
    const isHere = view.offset === at
    const inner = regionWithin(region, memory, view, at)
    // The nest can be an element of a list too.
    if (isHere || inner?.element === at) return inner?.set
    region = inner
  }
  return undefined
}

/** A region with attributes of a set. */
interface Region {
  readonly set: AttributeSet
  readonly start: number
  readonly length: number
  /** where the element of a list begins whose attributes they are */
  readonly element?: number
}

/** The attributes inside one attribute of a region, around byte `at`; of a list, those of the element there. */
function regionWithin(outer: Region, memory: Memory, view: AttributeView, at: number): Region | undefined {
  const format = attributeByNumber(outer.set, view.type)?.format
  const { payloadOffset: start, payloadLength: length } = view
  switch (format?.kind) {
    case 'nested':
    case 'sequence':
      return { set: format.set(), start, length }
    case 'union': {
      const set = selectedSet(format, readSelectors(outer.set, memory, outer.start, outer.length).get(format.key))
      return set && { set, start, length }
    }
    case 'list': {
      const set = format.element()
      const element = attributeAround(memory, start, length, at)
      if (element === undefined) return undefined
      return { set, start: element.payloadOffset, length: element.payloadLength, element: element.offset }
    }
    default:
      return undefined
  }
}

function attributeAround(memory: Memory, offset: number, length: number, at: number): AttributeView | undefined {
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) if (at >= view.offset && at < view.payloadOffset + view.payloadLength) return view
  return undefined
}
