import { jsonText } from '@ringlink/codec'
import { type Output, output } from '../terminal/output.ts'
import { paintFor } from '../terminal/paint.ts'
import { DeviceNames, unknownDevices } from './devices.ts'
import type { Entry } from './entry.ts'
import { type EntryStyle, entryObject, formatEntry } from './entry-text.ts'

export interface PrinterOptions {
  readonly json: boolean
  /** show the header of the link layer too; default false */
  readonly link?: boolean
  /** the packets come from another machine or time: device indexes have no meaning here */
  readonly isCapture?: boolean
}

/** Prints packets, many with one write, and makes the program wait if the output is slower. */
export class PacketPrinter {
  #json: boolean
  #style: EntryStyle
  #output: Output
  #text = ''

  constructor({ json, link = false, isCapture = false }: PrinterOptions, to: Output = output) {
    this.#json = json
    this.#output = to
    this.#style = {
      paint: paintFor(process.stdout),
      devices: isCapture ? unknownDevices : new DeviceNames(),
      linkLayer: link,
    }
  }

  print(entry: Entry): void {
    const text = this.#json ? jsonText(entryObject(entry, this.#style.devices)) : formatEntry(entry, this.#style)
    this.#text += `${text}\n`
  }

  /** Passes the printed lines to the output, and waits until it takes more. */
  async settle(): Promise<void> {
    if (!this.flush()) await this.#output.drained()
  }

  /** As {@link settle} without waiting. Returns false if the output holds more than it should. */
  flush(): boolean {
    const text = this.#text
    this.#text = ''
    return text === '' || this.#output.write(text)
  }
}
