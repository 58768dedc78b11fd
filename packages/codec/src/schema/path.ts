import { AttributeIterator, type AttributeView, MAXIMUM_DEPTH } from '../wire/attribute.ts'
import { align4, type Memory } from '../wire/memory.ts'
import {
  type AttributeFormat,
  type AttributeSet,
  attributeByNumber,
  NO_SELECTORS,
  type Selectors,
  selectedSubMessage,
  subMessageFormat,
} from './format.ts'
import { readSelectors } from './read.ts'

/**
 * The kernel's names of the attributes that contain byte `at` of the memory, outermost first: names the place that an
 * extended ack's offset points at. Empty if there is no attribute; an attribute that is not in the table is given by
 * number.
 */
export function attributePath(set: AttributeSet, memory: Memory, offset: number, length: number, at: number): string[] {
  const path: string[] = []
  let region: Region | undefined = { set, start: offset, length, outer: NO_SELECTORS }
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
  let region: Region | undefined = { set, start: offset, length, outer: NO_SELECTORS }
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
  /** selectors of the sets around it */
  readonly outer: Selectors
  /** where the element of an array begins whose attributes they are */
  readonly element?: number
}

/** The attributes inside one attribute of a region, around byte `at`; of an array, those of the element there. */
function regionWithin(outer: Region, memory: Memory, view: AttributeView, at: number): Region | undefined {
  const format = attributeByNumber(outer.set, view.type)?.format
  const selectors = readSelectors(outer.set, memory, outer.start, outer.length, outer.outer)
  return format && inside(format, selectors, memory, view, at)
}

function inside(
  format: AttributeFormat,
  outer: Selectors,
  memory: Memory,
  view: AttributeView,
  at: number,
): Region | undefined {
  const { payloadOffset: start, payloadLength: length } = view
  switch (format.kind) {
    case 'nested':
    case 'sequence':
      return { set: format.set(), start, length, outer }
    case 'body': {
      const fixed = align4(format.header.size)
      return format.set && length >= fixed
        ? { set: format.set, start: start + fixed, length: length - fixed, outer }
        : undefined
    }
    case 'multi':
      return inside(format.element, outer, memory, view, at)
    case 'union': {
      const chosen = selectedSubMessage(format, outer.get(format.key))
      return chosen && inside(subMessageFormat(chosen), outer, memory, view, at)
    }
    case 'list':
      return insideElement({ kind: 'nested', set: format.element }, 1, outer, memory, view, at)
    case 'indexed':
      return insideElement(format.element, 1, outer, memory, view, at)
    case 'type-value':
      return insideElement(format.element, format.levels.length, outer, memory, view, at)
    default:
      return undefined
  }
}

/** The attributes inside the element around byte `at`, `levels` nests deep. */
function insideElement(
  format: AttributeFormat,
  levels: number,
  outer: Selectors,
  memory: Memory,
  view: AttributeView,
  at: number,
): Region | undefined {
  let element: AttributeView | undefined = view
  for (let level = 0; level < levels && element !== undefined; level++) {
    element = attributeAround(memory, element.payloadOffset, element.payloadLength, at)
  }
  const region = element && inside(format, outer, memory, element, at)
  return region && element && { ...region, element: element.offset }
}

function attributeAround(memory: Memory, offset: number, length: number, at: number): AttributeView | undefined {
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) if (at >= view.offset && at < view.payloadOffset + view.payloadLength) return view
  return undefined
}
