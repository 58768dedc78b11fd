// Asks the HTTP server of fairness.ts again and again, one request at a time with a pause in between, until it is
// killed. Prints READY after the first answer.
import { Agent, get } from 'node:http'
import { Port } from './rules.ts'

const PAUSE = 2
const agent = new Agent({ keepAlive: true })
const ask = () =>
  new Promise<void>((resolve, reject) => {
    get({ host: '127.0.0.1', port: Port.Http, agent }, (response) => response.resume().on('end', resolve)).on(
      'error',
      reject,
    )
  })

await ask()
process.stdout.write('READY\n')
for (;;) {
  // The server ends first.
  await ask().catch(() => process.exit())
  await new Promise((resolve) => setTimeout(resolve, PAUSE))
}
