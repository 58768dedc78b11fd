// Bundles for a server and for a browser.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Project } from './project.mjs'

const ESBUILD = '0.28.2'
const VITE = '7.3.8'
const DECODER_LIMIT = 6000

const esbuild = join('node_modules', '@esbuild', `linux-${process.arch}`, 'bin', 'esbuild')

/** A server that says which transport it would take, and whether fanOut finds its Worker's file. */
const server = `
import { fanOut, isNetlinkError, openQueue } from 'ringlink'
const refusals = []
for (const open of [() => openQueue({ number: 0, mistake: true }), () => fanOut({ queues: '0:1', module: new URL('./none.js', import.meta.url) })]) {
  try { await open(); refusals.push('opened') } catch (error) { refusals.push(isNetlinkError(error) ? error.code : String(error)) }
}
console.log(refusals.join(' '))
`

/** What decodes packets of a queue in a browser. */
const decoder = `
import { Memory, MessageIterator, QueuePacketView } from '@ringlink/codec'
globalThis.decoder = { Memory, MessageIterator, QueuePacketView }
`

export const bundlerChecks = [
  { group: 'Bundlers', name: `esbuild ${ESBUILD}, server, ringlink external`, quick: false, run: esbuildServer },
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

/** The bundle behaves as the program does unbundled. */
async function behavesAlike(project, bundle) {
  const expected = await project.script('server.js')
  const got = await project.script(bundle)
  if (got !== expected) throw new Error(`unbundled it says ${expected}, bundled ${got}`)
  return 'works'
}

function esbuildServer({ registry }) {
  return withProject(registry, { 'server.js': server }, ['ringlink', `esbuild@${ESBUILD}`], async (project) => {
    const flags = ['--bundle', '--platform=node', '--format=esm', '--external:ringlink', '--external:@ringlink/*']
    await project.run([esbuild, 'server.js', ...flags, '--outfile=bundle.js'])
    return behavesAlike(project, 'bundle.js')
  })
}

function viteServer({ registry }) {
  const config = "export default { build: { ssr: 'server.js', outDir: 'out' } }"
  return withProject(
    registry,
    { 'server.js': server, 'vite.config.js': config },
    ['ringlink', `vite@${VITE}`],
    async (project) => {
      await project.bin('vite/bin/vite.js', 'build')
      return behavesAlike(project, 'out/server.js')
    },
  )
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
