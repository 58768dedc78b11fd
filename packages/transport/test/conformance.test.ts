import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { conformanceCases, describeTransport, openReference } from '../src/conformance/index.ts'

describeTransport('the reference transport', { open: openReference })

describe('the suite', () => {
  const contract = plain(readFileSync(new URL('../src/transport.ts', import.meta.url), 'utf8'))

  test('checks sentences of the contract, word for word', () => {
    const unknown = conformanceCases.filter(({ promise }) => !contract.includes(plain(promise)))
    expect(unknown.map(({ title, promise }) => `${title}: ${promise}`)).toEqual([])
  })

  test('names every case once', () => {
    expect(new Set(conformanceCases.map(({ title }) => title)).size).toBe(conformanceCases.length)
  })
})

function plain(text: string): string {
  return text.replace(/^\s*(\/\*\*|\*\/|\*)/gm, ' ').replace(/\s+/g, ' ')
}
