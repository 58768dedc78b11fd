/** Checks a file of rules without installing them. */
import { readFileSync } from 'node:fs'
import { quoteText } from '@ringlink/codec'
import { checkRules, type FirewallRule, formatRule, OptionError, type RuleFamily } from 'ringlink'
import type { ExitCode } from '../command-line/command.ts'
import { output } from '../terminal/output.ts'

/** A rule of a file, and the line that it is in. */
interface FileRule {
  readonly rule: string | FirewallRule
  readonly line: number | undefined
}

/** Reports the first mistake in a file of rules on stderr; exit code 1 then. Throws if the file cannot be read. */
export function checkRulesFile(path: string, family: RuleFamily | undefined, json: boolean): ExitCode {
  const rules = rulesOf(readFileSync(path, 'utf8'), path)
  if (rules.length === 0) throw new Error(`there are no rules in ${quoteText(path)}`)
  try {
    const checked = checkRules(
      rules.map(({ rule }) => rule),
      { family },
    )
    for (const rule of checked) {
      const text = formatRule(rule, { family })
      if (json) output.json({ event: 'checked', text, rule })
      else output.line(text)
    }
    return 0
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    const [, index] = /^rules\[(\d+)\]/.exec(error.path) ?? []
    const line = index === undefined ? undefined : rules[Number(index)]?.line
    const at = line === undefined ? '' : `, line ${line}`
    process.stderr.write(`${quoteText(path)}${at}: ${error.message}\n`)
    return 1
  }
}

/**
 * The rules of a text: a JSON array, or one per line, in which empty lines and those that begin with # do not count.
 */
function rulesOf(text: string, path: string): FileRule[] {
  if (text.trimStart().startsWith('[')) {
    let list: unknown
    try {
      list = JSON.parse(text)
    } catch (error) {
      throw new Error(`${quoteText(path)} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
    }
    return (list as FirewallRule[]).map((rule) => ({ rule, line: undefined }))
  }
  return text
    .split('\n')
    .map((rule, index) => ({ rule: rule.trimEnd(), line: index + 1 }))
    .filter(({ rule }) => rule.trim() !== '' && !rule.trimStart().startsWith('#'))
}
