// Runs that docs/reliability.md has figures of, besides the soak, which writes its own:
//
//   npm run reliability [-- TEXT...]      those that have one of the texts in their name; default all, about half an hour
import { spawnSync } from 'node:child_process'
import { readCommandLine, refuseCommandLine } from './command-line.mjs'
import { keepRecord } from './reliability.mjs'
import { root } from './workspace.mjs'

const vitest = 'node node_modules/vitest/vitest.mjs run'
/** Programs for each transport of the real kernel. */
const PROGRAMS = 200
const SIMULATED = 150
const INPUTS = 200_000

const checks = [
  {
    name: 'life-cycle',
    title: 'Life cycle',
    text: `Processes with a queue over each transport, before traffic, under it, with held packets and while they close: ended by themselves, by process.exit, an
exception, SIGTERM and SIGKILL; stopped and continued; Workers terminated, throwing and looping; without /proc and /sys; with too few descriptors, and
too little memory; without its privileges; while others flush all rules, open the same queue, or delete the network namespace. Each time the kernel must
have nothing left of it, and pass traffic again.`,
    command: `${vitest} --project kernel test/life-cycle`,
    figures: (output) => [['tests, each at every stage that it names', passed(output)]],
  },
  {
    name: 'verdicts',
    title: 'Exactly one verdict',
    text: `Random programs that accept, drop, hold, forget, answer twice and too late, throw, break and close anywhere, with packets dropped, doubled, cut, swapped and
delayed, losses and short sends between them and the kernel. Each packet must pass or not, once, as its first verdict or the one for unanswered packets says.`,
    command: `FAST_CHECK_RUNS=${SIMULATED} RINGLINK_VERDICT_RUNS=${PROGRAMS} ${vitest} test/verdicts`,
    figures: (output) => [
      ['programs on the real kernel, over each transport', PROGRAMS],
      ['programs on the simulated kernel, over a socket and over a ring', SIMULATED],
      ['tests', passed(output)],
    ],
  },
  {
    name: 'fuzz',
    title: 'Bad input',
    text: `Random and damaged bytes and arguments for every reader, option and function of the addon. None may throw anything but an error with a code, hang, or read beyond its
memory.`,
    command: `node scripts/fuzz.mjs --count ${INPUTS}`,
    figures: (output) => [['inputs', Number([...output.matchAll(/fuzz: (\d+) inputs/g)].at(-1)?.[1])]],
  },
  {
    name: 'native',
    title: 'The addon in C',
    text: `cppcheck and clang-tidy read it; its tests, and those of both transports, run with AddressSanitizer and UndefinedBehaviorSanitizer, which end the process at their
first report.`,
    command: 'node scripts/native-checks/main.mjs',
    figures: (output) => [
      [
        'tests under both sanitizers',
        [...output.matchAll(/Tests +(\d+) passed/g)].reduce((sum, match) => sum + Number(match[1]), 0),
      ],
    ],
  },
]

const { positionals: texts } = readCommandLine('reliability', { allowPositionals: true })
const chosen = checks.filter(({ name }) => texts.length === 0 || texts.some((text) => name.includes(text)))
if (chosen.length === 0) refuseCommandLine('reliability', `no check has ${JSON.stringify(texts)} in its name`)
for (const check of chosen) run(check)

function run({ name, figures, ...record }) {
  console.log(`reliability: ${record.command}`)
  const start = performance.now()
  const environment = { ...process.env, NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', record.command], {
    cwd: root,
    encoding: 'utf8',
    env: environment,
    maxBuffer: 1 << 28,
  })
  const output = stdout + stderr
  if (status === 0) {
    keepRecord(name, {
      ...record,
      figures: [...figures(output), ['seconds', Math.round((performance.now() - start) / 1000)]],
    })
    return
  }
  console.log(`${output.slice(-4000)}\nreliability: ${name} failed`)
  process.exitCode = 1
}

/** The tests that passed, by the last lines of vitest. */
function passed(output) {
  return Number(/Tests +(\d+) passed/.exec(output)?.[1])
}
