// Bundles for a server and for a browser.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Project } from './project.mjs'
import { answersRealPackets } from './real-kernel.mjs'

const ESBUILD = '0.28.2'
const VITE = '7.3.8'
const DECODER_LIMIT = 6000

const esbuild = join('node_modules', '@esbuild', `linux-${process.arch}`, 'bin', 'esbuild')

/**
 * A server whose Worker runs a module of its own: both are entry points of the bundle, ringlink's own Worker is not.
 */
const server = `
import { fanOut, installRules } from 'ringlink'
const module = new URL('./verdicts.js', import.meta.url)
const fan = await fanOut({ queues: [0], module, copyRange: 64, unanswered: 'accept' })
const match = { protocol: 'udp', destinationPort: 53 }
const rules = await installRules([{ hook: 'output', match, queue: 0 }])
process.once('SIGINT', () => rules.close().then(() => fan.close()))
await fan.done
`
const verdicts = `
export function onPackets(packets) {
  for (const packet of packets) {
    if (packet.headers().destinationPort === 53) packet.accept()
    else packet.drop()
  }
}
`
const serverFiles = { 'server.js': server, 'verdicts.js': verdicts }

/** A program that decodes packets of a queue in a browser. */
const decoder = `
import { Memory, MessageIterator, QueuePacketView } from '@ringlink/codec'
globalThis.decoder = { Memory, MessageIterator, QueuePacketView }
`

export const bundlerChecks = [
  { group: 'Bundlers', name: `esbuild ${ESBUILD}, server, ringlink external`, quick: false, run: esbuildServer },
  { group: 'Bundlers', name: `esbuild ${ESBUILD}, server, ringlink bundled`, quick: false, run: esbuildWhole },
  { group: 'Bundlers', name: `Vite ${VITE}, server (ssr)`, quick: false, run: viteServer },
  { group: 'Bundlers', name: `esbuild ${ESBUILD}, browser, decoding a queue`, quick: true, run: esbuildBrowser },
  { group: 'Bundlers', name: `Vite ${VITE}, browser, decoding a queue`, quick: false, run: viteBrowser },
]

async function withProject(registry, files, packages, use) {
  const project = new Project({ registry, files })
  try {
    await project.install('npm', ...packages)
    return await use(project)
  } finally {
    project.remove()
  }
}

const esbuildFlags = ['--bundle', '--platform=node', '--format=esm', '--outdir=out']

/** fanOut in a Worker of the bundle answers packets. */
async function esbuildServer({ registry }) {
  return withProject(registry, serverFiles, ['ringlink', `esbuild@${ESBUILD}`], async (project) => {
    const externals = ['--external:ringlink', '--external:@ringlink/*']
    await project.run([esbuild, 'server.js', 'verdicts.js', ...esbuildFlags, ...externals])
    return `fanOut ${await answersRealPackets(project, 'out/server.js')}`
  })
}

/** Without the documented externals a bundle has neither the addon nor ringlink's Worker: it must say what to do. */
async function esbuildWhole({ registry }) {
  return withProject(registry, serverFiles, ['ringlink', `esbuild@${ESBUILD}`], async (project) => {
    await project.run([esbuild, 'server.js', 'verdicts.js', ...esbuildFlags])
    try {
      await answersRealPackets(project, 'out/server.js')
    } catch (error) {
      const code = /code: '([A-Z_]+)'/.exec(String(error))?.[1]
      if (code === undefined || !String(error).includes('external')) throw error
      return `${code}: ringlink must be external`
    }
    throw new Error('it is not expected to work')
  })
}

function viteServer({ registry }) {
  const config = `export default { build: { ssr: true, outDir: 'out',
    rollupOptions: { input: ['server.js', 'verdicts.js'], output: { entryFileNames: '[name].js' } } } }`
  const packages = ['ringlink', `vite@${VITE}`]
  return withProject(registry, { ...serverFiles, 'vite.config.js': config }, packages, async (project) => {
    await project.bin('vite/bin/vite.js', 'build')
    return `fanOut ${await answersRealPackets(project, 'out/server.js')}`
  })
}

function esbuildBrowser({ registry }) {
  return withProject(
    registry,
    { 'decoder.js': decoder },
    ['@ringlink/codec', `esbuild@${ESBUILD}`],
    async (project) => {
      const flags = ['--bundle', '--minify', '--format=esm', '--platform=browser', '--outfile=bundle.js']
      await project.run([esbuild, 'decoder.js', ...flags])
      return sized(readFileSync(join(project.folder, 'bundle.js')))
    },
  )
}

function viteBrowser({ registry }) {
  // As an application: Vite does not minify a library in full.
  const config = `export default { build: { outDir: 'out', modulePreload: { polyfill: false },
    rollupOptions: { input: 'decoder.js', output: { entryFileNames: 'decoder.js' } } } }`
  return withProject(
    registry,
    { 'decoder.js': decoder, 'vite.config.js': config },
    ['@ringlink/codec', `vite@${VITE}`],
    async (project) => {
      await project.bin('vite/bin/vite.js', 'build')
      return sized(readFileSync(join(project.folder, 'out', 'decoder.js')))
    },
  )
}

function sized(bundle) {
  const bytes = gzipSync(bundle, { level: 9 }).length
  if (bytes > DECODER_LIMIT) throw new Error(`${bytes} bytes gzipped, more than ${DECODER_LIMIT}`)
  return `${(bytes / 1000).toFixed(1)} kB gzipped`
}
