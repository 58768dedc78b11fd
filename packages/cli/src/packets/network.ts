import { type Prefix, tryParsePrefix } from 'ringlink'

/** Reads `ADDRESS` or `ADDRESS/LENGTH`, IPv4 or IPv6; a text says what is wrong. */
export function readNetwork(text: string): Prefix | string {
  const network = tryParsePrefix(text)
  if (network !== undefined) return network
  const [address = ''] = text.split('/')
  const whole = tryParsePrefix(address)
  if (whole === undefined) return `'${address}' is no IPv4 or IPv6 address`
  return `a prefix length from 0 to ${whole.length} is wanted behind the '/'`
}
