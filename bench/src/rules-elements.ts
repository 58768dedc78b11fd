/** The elements of the sets that are measured. */

/** So many addresses of 10.0.0.0/8, in no order that a table could profit from. */
export function elementsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const number = (i * 7919) % 0xff_ffff
    return `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`
  })
}

/** Where bench/peers/send.c sends with 64 addresses. */
export const floodAddresses: readonly string[] = Array.from({ length: 64 }, (_, i) => {
  const number = 0x7f01_0001 + i * 257
  return [number >>> 24, (number >> 16) & 255, (number >> 8) & 255, number & 255].join('.')
})
