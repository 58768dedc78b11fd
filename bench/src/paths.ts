import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder bench, from any place below it where the bundler has put this file. */
export const BENCH: string = findBench(dirname(fileURLToPath(import.meta.url)))
export const DIST: string = join(BENCH, 'dist')
export const PEERS: string = join(BENCH, 'peers')
export const NPM_PEERS: string = join(PEERS, 'npm')
/** Where the peers in C are built. */
export const BUILD: string = join(BENCH, 'build')
export const LATEST: string = join(BENCH, 'results', 'latest.json')
export const DOCS: string = join(dirname(BENCH), 'docs')

function findBench(folder: string): string {
  return existsSync(join(folder, 'peers')) ? folder : findBench(dirname(folder))
}
