import { createRequire } from 'node:module'
import { join } from 'node:path'
import { NPM_PEERS } from '../paths.ts'

/** A module of the npm peers. */
export function requirePeer(name: string): unknown {
  return createRequire(join(NPM_PEERS, 'package.json'))(name)
}
