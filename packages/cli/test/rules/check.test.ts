import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkRulesFile } from '../../src/rules/check.ts'
import { output } from '../../src/terminal/output.ts'

describe('rules --check', () => {
  let folder = ''
  let errors: string[] = []
  let lines: string[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringlink-check-'))
    errors = []
    lines = []
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => errors.push(String(text)) > 0)
    vi.spyOn(output, 'line').mockImplementation((text) => lines.push(text) > 0)
  })

  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(folder, { recursive: true })
  })

  function check(text: string): number {
    const path = join(folder, 'rules')
    writeFileSync(path, text)
    return checkRulesFile(path, undefined, false)
  }

  test("prints the rules of a file in nft's words", () => {
    expect(check('# DNS\noutput udp dport { 53, 853 } drop\n\ninput tcp flags syn accept\n')).toBe(0)
    expect(lines).toEqual(['output udp dport { 53, 853 } drop', 'input tcp flags syn accept'])
    expect(check('[{ "hook": "output", "match": { "protocol": "udp" }, "verdict": "drop" }]')).toBe(0)
    expect(lines[2]).toBe('output meta l4proto udp drop')
    expect(errors).toEqual([])
  })

  test.each([
    ['output udp dport 53 drop\noutput udp dprot 53', ', line 2: check rules: rules[1] column 8: expected a match'],
    ['output ct mark 5\n\noutput priority raw ct mark 5', ', line 3: check rules: rules[1].match.ctMark'],
    ['[{ "hook": "output", "match": { "dport": 53 } }]', ': check rules: unknown key rules[0].match.dport'],
  ])('reports the first mistake, with its line: %j', (text, message) => {
    expect(check(text)).toBe(1)
    expect(errors.join('')).toContain(message)
    expect(lines).toEqual([])
  })

  test('a file without rules, and one that is not JSON, are errors', () => {
    expect(() => check('# nothing\n')).toThrow('there are no rules in')
    expect(() => check('[{')).toThrow('is not JSON')
  })
})
