import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../../scripts/workspace.mjs'
import { unshare } from './namespace.mjs'

const execute = promisify(execFile)

/**
 * Runs a program of a project that takes queue 0 for UDP port 53, and sends it packets on the real kernel: see
 * kernel.mjs.
 */
export async function answersRealPackets(project, program) {
  const inside = [join(root, 'test/packed/kernel.mjs'), project.folder, project.node, program]
  const { stdout } = await execute(unshare[0], [...unshare.slice(1), process.execPath, ...inside], { timeout: 90_000 })
  const result = JSON.parse(stdout)
  const expected = { sent: 50, queued: 50, exit: 0, queuesLeft: 0 }
  if (JSON.stringify(result) !== JSON.stringify(expected))
    throw new Error(`expected ${JSON.stringify(expected)}, got ${stdout}`)
  return `answers ${result.queued} of ${result.sent} packets of the real kernel`
}
