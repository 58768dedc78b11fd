/** Addresses as they are written. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => hexadecimal(((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0)))
  // A URL writes an IPv6 address in its shortest form.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** An address of the link layer: 02:00:00:00:0c:02. */
export function formatHardwareAddress(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => hexadecimal(byte).padStart(2, '0')).join(':')
}

/** Text out of a packet or a rule, safe to be shown on a terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${hexadecimal(character.codePointAt(0) ?? 0)}}`,
  )
}

export function hexadecimal(value: number): string {
  return value.toString(16)
}
