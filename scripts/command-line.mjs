// The command lines of scripts. `--help` prints the comment at the head of the script, which says how it is called;
// what is wrong is one line, and exit code 2.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

/**
 * As `parseArgs` of Node.js, with `--help` besides. Ends the program after the help, with exit code 0, and for a
 * command line that is wrong.
 *
 * @param script what users call it: the first word of its messages
 */
export function readCommandLine(script, { args = process.argv.slice(2), options = {}, ...others } = {}) {
  let parsed
  try {
    parsed = parseArgs({ args, options: { ...options, help: { type: 'boolean', default: false } }, ...others })
  } catch (error) {
    // Node.js continues with a piece of advice for arguments that begin with a dash.
    refuseCommandLine(script, error.message.split(/\.(?:\s|$)/)[0])
  }
  if (parsed.values.help) {
    process.stdout.write(headComment(readFileSync(process.argv[1], 'utf8')))
    process.exit(0)
  }
  return parsed
}

/** Says what is wrong with the command line, and ends the program. */
export function refuseCommandLine(script, problem) {
  process.stderr.write(`${script}: ${problem}; --help says how it is called\n`)
  process.exit(2)
}

/** The whole number of an option. */
export function wholeNumber(script, option, text, preset) {
  if (text === undefined) return preset
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  return refuseCommandLine(script, `${option} must be a whole number, got '${text}'`)
}

function headComment(source) {
  const lines = source.split('\n')
  const end = lines.findIndex((line) => !line.startsWith('//'))
  return lines
    .slice(0, end)
    .map((line) => `${line.slice('// '.length)}\n`)
    .join('')
}
