import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildCommand } from './bundle.ts'

/** A folder in which `ringlink` is the command, made from the sources: for lines of a shell. */
export interface CommandFolder extends Disposable {
  readonly folder: string
  /** the environment whose path has it first */
  readonly env: NodeJS.ProcessEnv
}

export function makeCommandFolder(): CommandFolder {
  const command = buildCommand()
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-command-folder-'))
  const path = join(folder, 'ringlink')
  writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${command.path}" "$@"\n`)
  chmodSync(path, 0o755)
  return {
    folder,
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}`, NO_COLOR: undefined, FORCE_COLOR: undefined },
    [Symbol.dispose]: () => {
      command[Symbol.dispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
