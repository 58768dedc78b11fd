/** A number to be read by people: 1,234,567. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** A table of counts: name, count and remark. */
export function formatRows(rows: readonly (readonly [string, number, string])[], indent = ''): string {
  return rows
    .map(([name, value, text]) => `${indent}${name.padEnd(10)} ${whole(value).padStart(12)}  ${text}`.trimEnd())
    .join('\n')
}
