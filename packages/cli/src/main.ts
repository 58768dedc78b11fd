#!/usr/bin/env node
import { runCommandLine } from './command-line/run.ts'
import { commands } from './commands.ts'
import { version } from './version.ts'

process.exitCode = await runCommandLine(commands, version, process.argv.slice(2))
