/** The program of each Worker of a fan-out: binds its queue and answers it with the functions of the user's module. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Queue, StopFlag } from '@ringlink/client'
import { TransportError } from '@ringlink/transport'
import { openQueue } from '../open.ts'
import { type FanOutIncidents, type FanOutMessage, type FanOutWorkerData, packError, storeStats } from './channel.ts'
import type { FanOutContext, FanOutModule } from './options.ts'

const { number, module, data, queueOptions, stop, counters } = workerData as FanOutWorkerData
const flag = new StopFlag(stop)
const words = new Float64Array(counters)

function tell(message: FanOutMessage): void {
  parentPort?.postMessage(message)
}

async function loadModule(): Promise<FanOutModule> {
  const loaded = (await import(module)) as Partial<FanOutModule>
  if (typeof loaded.onPackets !== 'function') {
    throw new TransportError('ARGUMENT', 'fan out', `${module} exports no function onPackets(packets, context)`)
  }
  return loaded as FanOutModule
}

async function run(): Promise<void> {
  const functions = await loadModule()
  const context: FanOutContext = { number, data, state: undefined }
  await functions.setup?.(context)
  try {
    await serve(functions, context)
  } finally {
    await functions.teardown?.(context)
  }
}

async function serve(functions: FanOutModule, context: FanOutContext): Promise<void> {
  const queue = await openQueue({ ...queueOptions, number })
  const publish = publisher(queue)
  try {
    tell({ type: 'open', transport: queue.transport.capabilities.kind })
    queue.serve((packets) => functions.onPackets(packets, context), {
      stop: flag,
      onTurn: () => {
        publish()
        functions.onTurn?.(context)
      },
    })
  } finally {
    await queue.close()
    publish()
  }
  tell({ type: 'closed', counters: queue.counters() })
}

/** Stores the counters of the queue, and reports events since the last call. */
function publisher(queue: Queue): () => void {
  const told = { overrun: 0, late: 0, truncated: 0, malformed: 0 }
  let overrun = 0
  queue.events.on('overrun', (lost) => {
    overrun += lost
  })
  return () => {
    const { stats } = queue
    storeStats(words, stats)
    const { late, truncated, malformed } = stats
    if (
      overrun === told.overrun &&
      late === told.late &&
      truncated === told.truncated &&
      malformed === told.malformed
    ) {
      return
    }
    const incidents: FanOutIncidents = {
      overrun: overrun - told.overrun,
      late: late - told.late,
      truncated: truncated - told.truncated,
      malformed: malformed - told.malformed,
    }
    Object.assign(told, { overrun, late, truncated, malformed })
    tell({ type: 'incidents', incidents })
  }
}

run().catch((error: unknown) => tell({ type: 'failed', error: packError(error) }))
