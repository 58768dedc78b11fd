/** Constants by their names, in the three spellings that people meet: ours, the specifications' and the kernel's. */
import type { Constants } from './format.ts'

/** The kernel's names of a value, joined by ` | ` where it is bits; `undefined` where none is known. */
export function constantNames(constants: Constants | undefined, value: number | bigint): string | undefined {
  if (constants === undefined) return undefined
  const names = constantKeys(constants, value).map((key) =>
    typeof key === 'string' ? kernelName(constants, key) : `0x${key.toString(16)}`,
  )
  return names.length === 0 || (names.length === 1 && names[0]?.startsWith('0x')) ? undefined : names.join(' | ')
}

/** The keys of a value: of bits, one for each that has a name, and the rest of them. */
export function constantKeys({ values, isFlags }: Constants, value: number | bigint): (string | bigint)[] {
  // A signed integer's bits are those of the unsigned one.
  const wide = BigInt(value)
  if (!isFlags) {
    const key = Object.keys(values).find((name) => BigInt(values[name] as number | bigint) === wide)
    return [key ?? wide]
  }
  const keys: (string | bigint)[] = []
  let left = wide < 0 ? BigInt.asUintN(32, wide) : wide
  for (const [key, bits] of Object.entries(values)) {
    const mask = BigInt(bits)
    if (mask === 0n || (left & mask) !== mask) continue
    keys.push(key)
    left &= ~mask
  }
  if (left !== 0n) keys.push(left)
  return keys
}

/** The kernel's name of a constant: prefix and words, in capital letters. */
export function kernelName({ prefix }: Constants, key: string): string {
  return prefix + specificationName(key).toUpperCase().replaceAll('-', '_')
}

/** `no-arp` of `NoArp`. */
export function specificationName(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase()
}

/** What all spellings of a name have in common. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** The value of a constant of that name, in any spelling. */
export function constantNamed(constants: Constants, name: string): number | bigint | undefined {
  const plain = plainName(name)
  const bare = name.startsWith(constants.prefix) ? plainName(name.slice(constants.prefix.length)) : plain
  const key = Object.keys(constants.values).find((known) => [plain, bare].includes(plainName(known)))
  return key === undefined ? undefined : constants.values[key]
}
