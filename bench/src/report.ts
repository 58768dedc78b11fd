// Writes docs/performance.md and its charts again from bench/results/latest.json, without measuring anything.
import { readFileSync } from 'node:fs'
import { LATEST } from './paths.ts'
import { writeDocument } from './report/document.ts'
import type { Results } from './results.ts'

const results = JSON.parse(readFileSync(LATEST, 'utf8')) as Results
for (const path of writeDocument(results)) process.stdout.write(`${path}\n`)
