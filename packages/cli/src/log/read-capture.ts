import { linkTypeName } from '@ringlink/capture'
import { quoteText } from '@ringlink/codec'
import type { Stop } from '../command-line/stop.ts'
import { CaptureContents } from '../packets/capture-contents.ts'
import { openCaptureFile } from '../packets/capture-file.ts'
import { whole } from '../terminal/text.ts'
import type { LogProgram } from './program.ts'
import type { LogSettings } from './settings.ts'

/** Number of packets after which it waits for the output and lets the event loop run. */
const ROUND = 256

/** Shows a capture until its end, or the program's. Resolves with its name. */
export async function readCaptureFile(settings: LogSettings, program: LogProgram, stop: Stop): Promise<string> {
  const path = settings.read ?? ''
  using file = openCaptureFile(path, stop.signal, settings.lines && process.stdout.isTTY)
  const contents = new CaptureContents()
  let count = 0
  try {
    for await (const packet of file.reader.packets()) {
      if (!contents.take(packet, program)) break
      if (++count % ROUND !== 0) continue
      file.progress(count)
      await program.settle()
      // Signals need the event loop, which a long chunk of a file would block.
      await new Promise(setImmediate)
      if (stop.isRequested) break
    }
  } catch (error) {
    if (!stop.isRequested) throw error
  }
  for (const [linkType, packets] of contents.unknown) {
    process.stderr.write(`ringlink log: ${whole(packets)} packets of ${linkTypeName(linkType)} cannot be shown\n`)
  }
  if (contents.unreadable > 0) {
    process.stderr.write(
      `ringlink log: ${whole(contents.unreadable)} packets are cut or malformed and cannot be shown\n`,
    )
  }
  if (contents.otherMessages > 0) {
    const what = `${whole(contents.otherMessages)} netlink messages are not packets`
    process.stderr.write(`ringlink log: ${what}: ringlink inspect ${quoteText(path)} shows them\n`)
  }
  const { truncated } = file.reader
  if (truncated !== undefined) throw truncated
  return path
}
