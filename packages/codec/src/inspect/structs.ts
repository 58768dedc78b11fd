/** Structs as nodes: a node for each number or run of bytes, with the names of the structs around it. */
import type { FieldFormat, IntegerFormat, StructFormat } from '../schema/format.ts'
import { constantNames } from '../schema/names.ts'
import { decodeText, untilZero } from '../wire/text.ts'
import { type ByteOrder, integerLayout } from './layout.ts'
import { part, type Region, rest, type Source, takeBytes, takeNode } from './source.ts'
import type { InspectNode } from './tree.ts'

/**
 * The fields of a struct that lies in a region, and what follows them. What an older kernel did not send is not shown.
 */
export function structNodes(source: Source, format: StructFormat, region: Region, order: ByteOrder): InspectNode[] {
  const nodes: InspectNode[] = []
  const end = addStruct(source, nodes, format, region, order, '')
  return [...nodes, ...rest(source, 'further bytes', { start: end, end: region.end })]
}

/** Adds the nodes of a struct; where it ends. */
function addStruct(
  source: Source,
  nodes: InspectNode[],
  format: StructFormat,
  region: Region,
  order: ByteOrder,
  prefix: string,
): number {
  let end = region.start + format.size
  for (const { name, offset, format: field } of format.fields) {
    if (name === undefined) continue
    const start = region.start + offset
    if (field.kind === 'rest')
      end = addRest(source, nodes, field.element, { start, end: region.end }, order, prefix + name)
    else if (start + sizeOf(field) <= region.end) addField(source, nodes, field, start, order, prefix + name)
  }
  return Math.min(end, region.end)
}

function addRest(
  source: Source,
  nodes: InspectNode[],
  element: StructFormat | IntegerFormat,
  region: Region,
  order: ByteOrder,
  name: string,
): number {
  let { start } = region
  for (let index = 0; start + element.size <= region.end && takeNode(source); index++) {
    addField(source, nodes, element, start, order, `${name} ${index}`)
    start += element.size
  }
  return start
}

function addField(
  source: Source,
  nodes: InspectNode[],
  format: Exclude<FieldFormat, { kind: 'rest' }>,
  start: number,
  order: ByteOrder,
  name: string,
): void {
  const region = { start, end: start + sizeOf(format) }
  const place = { kind: 'field', name, offset: start, length: sizeOf(format) } as const
  switch (format.kind) {
    case 'integer': {
      const { value } = integerLayout(format, order).parse(part(source, region))
      nodes.push({ ...place, value, meaning: constantNames(format.constants, value) })
      return
    }
    case 'bytes':
      nodes.push({ ...place, value: part(source, region).slice() })
      return
    case 'characters':
      nodes.push({ ...place, value: decodeText(untilZero(takeBytes(source, region))) })
      return
    case 'struct':
      addStruct(source, nodes, format, region, order, `${name}.`)
      return
  }
}

function sizeOf(format: Exclude<FieldFormat, { kind: 'rest' }>): number {
  return format.kind === 'bytes' ? format.maximum : format.size
}
