#!/usr/bin/env node
// `npx ringlink doctor` for those who have the library: the command itself is in @ringlink/cli, which depends on this
// package. Runs it from where it is installed, or has npm fetch it, which asks before it does.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const installed = find(import.meta.url) ?? find(pathToFileURL(join(process.cwd(), 'package.json')))

if (installed !== undefined) await import(pathToFileURL(installed).href)
else if (process.env.RINGLINK_COMMAND_FETCHED === undefined) fetchAndRun()
else fail()

function find(from) {
  try {
    return createRequire(from).resolve('@ringlink/cli/dist/main.js')
  } catch {
    return undefined
  }
}

function fetchAndRun() {
  const npm = process.env.npm_execpath?.includes('npm-cli') ? [process.execPath, process.env.npm_execpath] : ['npm']
  const exec = ['exec', `--package=@ringlink/cli@${version}`, '--', 'ringlink', ...process.argv.slice(2)]
  // Should npm find this file again instead of the command, it must not go round in circles.
  const env = { ...process.env, RINGLINK_COMMAND_FETCHED: '1' }
  const { status, error } = spawnSync(npm[0], [...npm.slice(1), ...exec], { stdio: 'inherit', env })
  if (error !== undefined) fail()
  process.exitCode = status ?? 1
}

function fail() {
  console.error(`ringlink: the command is in a package of its own: npm install @ringlink/cli@${version}`)
  process.exit(1)
}
