/** The README's examples about families: typed without a cast, at most 8 lines, and run on the real kernel. */
import { rmSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { openFamily } from '@ringlink/client'
import { NewFlag } from '@ringlink/codec'
import { IfinfoFlags, rtLink } from '@ringlink/families/rt-link'
import { rtRoute } from '@ringlink/families/rt-route'
import { wireguard } from '@ringlink/families/wireguard'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import { openSocket } from '@ringlink/transport-socket'
import ts from 'typescript'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { exampleOf } from './support/readme-examples.ts'

const titles = [
  'List the links',
  'Watch the routes',
  'The peers of a WireGuard device',
  'The statistics of a network card',
]
const written: string[] = []
afterEach(() => {
  for (const path of written.splice(0)) rmSync(path, { force: true })
})

test.each(titles)('%s: at most 8 lines, no cast', (title) => {
  const code = exampleOf(title)
  expect(
    code
      .trim()
      .split('\n')
      .filter((line) => line !== '').length,
  ).toBeLessThanOrEqual(8)
  expect(code).not.toMatch(/\bas (?!const)|<any>|@ts-/)
})

test('all of them pass the type checker', () => {
  const folder = new URL('.', import.meta.url).pathname
  const files = titles.map((title, index) => {
    const path = `${folder}typed-${index}-${process.pid}.ts`
    writeFileSync(path, exampleOf(title))
    written.push(path)
    return path
  })
  const root = new URL('../../..', import.meta.url).pathname
  const { config } = ts.readConfigFile(`${root}/tsconfig.base.json`, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files }, ts.sys, root)
  const program = ts.createProgram(files, { ...options, types: ['node'], noEmit: true })
  const problems = files.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)))
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([])
})

describe.skipIf(kernelUnavailable)(kernelTests('examples of families'), () => {
  let namespace: Namespace
  const transport = (needs: Parameters<typeof openSocket>[0]) =>
    openSocket({ ...needs, networkNamespace: namespace.path })

  beforeAll(async () => {
    namespace = await Namespace.open()
    await using links = await openFamily(rtLink, { transport })
    const header = { change: IfinfoFlags.Up, flags: IfinfoFlags.Up }
    await links.do('newlink', { header, ifname: 'eth0', linkinfo: { kind: 'veth' } }, { flags: NewFlag.Create })
  })

  afterAll(() => namespace?.close())

  /** The example as a module that opens its family in the namespace and prints into `lines`. */
  async function load(title: string): Promise<(context: object) => Promise<void>> {
    const code = exampleOf(title)
    const imports = [...code.matchAll(/^import .*families.*$/gm)].map(([line]) => line).join('\n')
    const body = code.replace(/^import .*$/gm, '')
    const path = new URL(`example-${titles.indexOf(title)}-${process.pid}.mjs`, import.meta.url).pathname
    written.push(path)
    const head = `${imports}\nexport async function run({ openFamily, console }) {\n`
    // As Node.js runs it by itself, in a guest of scripts/kernels.
    const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
    writeFileSync(path, ts.transpileModule(`${head}${body}\n}\n`, { compilerOptions }).outputText)
    const { run } = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as {
      run: (context: object) => Promise<void>
    }
    return run
  }

  function context() {
    const lines: unknown[][] = []
    const opened: { close(): Promise<void> }[] = []
    let announce = () => {}
    const isOpen = new Promise<void>((resolve) => {
      announce = resolve
    })
    const open = async (family: typeof rtLink) => {
      const found = await openFamily(family, { transport })
      opened.push(found)
      setImmediate(announce)
      return found
    }
    const console = { log: (...line: unknown[]) => lines.push(line) }
    return { lines, opened, isOpen, openFamily: open, console }
  }

  test('links', async () => {
    const given = context()
    await (await load('List the links'))(given)
    expect(given.lines).toContainEqual([expect.any(Number), 'eth0', 1500])
    expect(given.lines).toContainEqual([1, 'lo', 65536])
  })

  test('routes', async () => {
    const given = context()
    const running = (await load('Watch the routes'))(given)
    await given.isOpen
    await using routes = await openFamily(rtRoute, { transport })
    const header = { family: 2, dstLen: 8, table: 254, protocol: 4, scope: 253, type: 1 }
    const dst = Uint8Array.of(10, 0, 0, 0)
    await routes.do('newroute', { header, dst, oif: 1 }, { flags: NewFlag.Create })
    await expect.poll(() => given.lines, { timeout: patience(20_000) }).toContainEqual(['newroute', dst])
    for (const family of given.opened) await family.close()
    await running
  })

  test('wireguard peers, or the module that is missing', async () => {
    const given = context()
    await using links = await openFamily(rtLink, { transport })
    const link = { ifname: 'wg0', linkinfo: { kind: 'wireguard' } }
    const made = links.do('newlink', link, { flags: NewFlag.Create }).then(
      () => true,
      () => false,
    )
    const run = await load('The peers of a WireGuard device')
    if (!(await made)) {
      await expect(run(given)).rejects.toMatchObject({ code: 'FAMILY_UNSUPPORTED' })
      return
    }
    await using devices = await openFamily(wireguard, { transport })
    const publicKey = new Uint8Array(32).fill(7)
    await devices.do('setDevice', { ifname: 'wg0', privateKey: publicKey, peers: [{ publicKey }] })
    await run(given)
    expect(given.lines).toEqual([[publicKey, 0n, 0n]])
  })

  test('ethtool statistics, or the kernel says that the card has none', async () => {
    const given = context()
    await (await load('The statistics of a network card'))(given)
    for (const line of given.lines) expect(line).toEqual([expect.any(Number), expect.any(BigInt)])
  })
})
