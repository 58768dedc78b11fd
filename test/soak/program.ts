// A soak in a process of its own, started by scripts/soak/main.mjs: options as JSON in the first argument, lines of
// progress, and the result as JSON in the last line.
import { soak } from './soak.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as { seconds: number; seed: number; share: number }
const REPORT = 30
let reported = 0
const result = await soak({
  ...given,
  onRound: ({ what, differences }, seconds) => {
    if (seconds < reported && Object.keys(differences).length === 0) return
    reported = seconds + REPORT
    console.log(`${Math.round(seconds)} s: ${what} ${JSON.stringify(differences)}`)
  },
})
console.log(JSON.stringify(result))
