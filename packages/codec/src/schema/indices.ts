/** Elements of an indexed array, and the types that they had. */
export type Indexed<Value> = Value[] & {
  /**
   * the type of each element's attribute; not enumerable in what was read, and 1, 2, 3, ... where it is left out in
   * writing
   */
  indices?: readonly number[] | undefined
}

/** Keeps the indices of what was read beside it. */
export function setIndices<Value>(values: Value[], indices: readonly number[]): Indexed<Value> {
  return Object.defineProperty(values, 'indices', {
    value: indices,
    configurable: true,
    writable: true,
  }) as Indexed<Value>
}
