// npm run bench: see options.ts, or --help.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compareText, prepareReference, type Reference } from './compare.ts'
import { experimentsOf } from './experiments.ts'
import { describeMachine } from './machine.ts'
import { runInNamespace } from './namespace.ts'
import { HELP, type Options, parseOptions } from './options.ts'
import { BUILD, LATEST } from './paths.ts'
import { preparePeers } from './peers.ts'
import { writeDocument } from './report/document.ts'
import type { Results } from './results.ts'
import { makeNetwork } from './rules.ts'
import { runAll } from './runner.ts'
import { formatNumber, textReport } from './text-report.ts'
import { GROUPS } from './workload.ts'

/** The peers that could not be built, for the process inside the namespace, which cannot fetch anything. */
const OBSTACLES = join(BUILD, 'obstacles.json')
/** The other state that was built, for the same process. */
const REFERENCE = join(BUILD, 'reference.json')

try {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(`${HELP}\n`)
  else if (options.inside) await measure(options)
  else prepare(options)
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

function prepare({ compare }: Options): void {
  const { obstacles } = preparePeers(say)
  if (compare !== undefined) writeFileSync(REFERENCE, JSON.stringify(prepareReference(compare, say)))
  writeFileSync(OBSTACLES, JSON.stringify([...obstacles]))
  runInNamespace(import.meta.url)
}

async function measure({ groups, quick, match, compare, json, settings }: Options): Promise<void> {
  makeNetwork()
  const obstacles = new Map<string, string>(JSON.parse(readFileSync(OBSTACLES, 'utf8')))
  const reference = compare === undefined ? undefined : readReference()
  const experiments = experimentsOf(groups, quick, { obstacles }, reference).filter(({ name }) => name.includes(match))
  if (experiments.length === 0) throw new Error(`--match: nothing that is measured here has ${match} in its name`)
  const total = experiments.reduce((sum, { contenders }) => sum + contenders.length, 0) * settings.repetitions
  let done = 0
  const { runs, missing } = await runAll(experiments, settings, {
    run: ({ unit }, { workload, contender, value, isDisturbed, redone, problem }) => {
      const marks = [...(isDisturbed ? ['disturbed'] : []), ...(redone > 0 ? [`again ${redone} times`] : [])]
      const notes = [...marks, ...(problem === undefined ? [] : [problem])].map((mark) => `, ${mark}`).join('')
      say(`${++done}/${total} ${workload} ${contender}: ${formatNumber(value)} ${unit}${notes}`)
    },
    missing: ({ workload, contender, reason }) => say(`${workload} ${contender} is missing: ${reason}`),
    outOfTime: (repetition) => say(`the time is up: repetition ${repetition + 1} is not complete`),
  })
  const results: Results = {
    schema: 1,
    machine: describeMachine(),
    options: { quick, repetitions: settings.repetitions, groups },
    workloads: experiments.map(({ name, group, title, unit, better, contenders }) => ({
      name,
      group,
      title,
      unit,
      better,
      contenders,
    })),
    runs,
    missing,
  }
  if (json) {
    process.stdout.write(`${JSON.stringify(results)}\n`)
  } else if (reference !== undefined) {
    process.stdout.write(`${compareText(results, reference)}\n`)
  } else {
    mkdirSync(dirname(LATEST), { recursive: true })
    writeFileSync(LATEST, `${JSON.stringify(results, null, 1)}\n`)
    process.stdout.write(`${textReport(results)}\n`)
    document(results, match)
  }
  process.exitCode = runs.some(({ problem }) => problem !== undefined) ? 1 : 0
}

function readReference(): Reference {
  return JSON.parse(readFileSync(REFERENCE, 'utf8')) as Reference
}

/** A document is of one whole run; a part of it, or a quick look, must not replace that. */
function document(results: Results, match: string): void {
  const { quick, groups } = results.options
  if (quick || match !== '' || groups.length < GROUPS.length) {
    say(`in ${LATEST}; node bench/dist/report.js puts these groups into docs/performance.md, the rest of which stays`)
  } else {
    for (const path of writeDocument(results)) say(path)
  }
}
