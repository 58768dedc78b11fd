// The script that runs the checks inside a guest, and what is read of its output.
import { markdownTable } from '../text-table.mjs'

/**
 * A script for bash. It prints `@check index status seconds` after each check, and before it the last lines of one that
 * failed. All output is in the result folder, RESULTS.
 *
 * @param checks `{ limit, command }`: seconds outside, and a command, which may use `scaled` for further limits
 * @param nodeStart seconds that Node.js takes to start outside: limits grow by as much as it takes longer inside
 */
export function guestScript(checks, nodeStart) {
  const runs = checks.map(({ limit, command }, index) => `run ${index} ${limit} <<'END'\n${command}\nEND`)
  return `
export RESULTS=\${RESULTS:-/run/out}
now() { cut -d' ' -f1 /proc/uptime; }
started=$(now); node -e 0; ended=$(now)
export RINGLINK_SLOWNESS=$(awk "BEGIN { f = ($ended - $started) / ${nodeStart}; print f < 1 ? 1 : f }")
scaled() { awk "BEGIN { printf \\"%d\\", $1 * $RINGLINK_SLOWNESS + 1 }"; }
export -f scaled
echo "limits are multiplied by $RINGLINK_SLOWNESS"
run() {
  cat > "$RESULTS/check-$1.sh"
  from=$(now)
  timeout -k 5 "$(scaled "$2")" bash "$RESULTS/check-$1.sh" > "$RESULTS/check-$1.log" 2>&1 < /dev/null
  status=$?
  [ $status = 0 ] || tail -25 "$RESULTS/check-$1.log"
  echo "@check $1 $status $(awk "BEGIN { print $(now) - $from }")"
}
${runs.join('\n')}
`
}

/** The result of a check in a line of output: `{ index, status, seconds }`; `undefined`: it is output. */
export function parseOutcome(line) {
  const [, index, status, seconds] = /^@check (\d+) (\d+) ([\d.]+)$/.exec(line) ?? []
  return index === undefined ? undefined : { index: Number(index), status: Number(status), seconds: Number(seconds) }
}

const NOT_REACHED = 'FAIL (not reached)'
/** The exit code of a check that is not for a machine (test/kernels/steps.ts). */
const NOT_HERE = 77

/** Whether a check, or the user's own command, has failed on a kernel. */
export function hasFailed({ status, isCommand = false }) {
  return status !== 0 && (isCommand || status !== NOT_HERE)
}

/**
 * @param outcome `undefined`: there is none
 * @param missing what that means: by default that the guest ended before
 */
export function outcomeText(outcome, missing = NOT_REACHED) {
  if (outcome === undefined) return missing
  const { status, seconds } = outcome
  if (status !== 0 && !hasFailed(outcome)) return 'not for it'
  const result = status === 0 ? 'PASS' : `FAIL (${status === 124 ? 'time limit' : `exit ${status}`})`
  return `${result} ${Math.round(seconds)} s`
}

/**
 * Checks by kernels, in Markdown.
 *
 * @param columns `{ version, outcomes }`: outcomes by the names of the checks
 */
export function outcomeTable(names, columns, missing = NOT_REACHED) {
  return markdownTable([
    ['check', ...columns.map(({ version }) => version)],
    ...names.map((name) => [name, ...columns.map(({ outcomes }) => outcomeText(outcomes.get(name), missing))]),
  ])
}
