import { UsageError } from './options.ts'

const { stdout, stderr } = process

/** One JSON object, on a line of its own. */
export function printJson(value: object): void {
  stdout.write(`${JSON.stringify(value)}\n`)
}

/** Resolves when the program is to end: a signal, the time of --seconds, or a pipe that nobody reads any more. */
export function stopAsked(seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => resolve()
    // Once only: a second Ctrl-C ends the program the hard way.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop)
    stdout.on('error', stop)
    if (seconds !== undefined) setTimeout(stop, seconds * 1000).unref()
  })
}

/** Runs a program that has nothing to say but errors, and sets the exit code: 0, 1, or 2 for a wrong command line. */
export async function runProgram(name: string, run: (words: string[]) => Promise<void>): Promise<void> {
  try {
    await run(process.argv.slice(2))
    process.exitCode = 0
  } catch (error) {
    stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof UsageError ? 2 : 1
    if (error instanceof UsageError) stderr.write(`${name}: --help shows what there is\n`)
  }
}
