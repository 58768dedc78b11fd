// A package registry on loopback that has our tarballs; everything else comes from the one that npm is set to. Users' commands then
// run as they are written: `npm install ringlink`.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkTarball } from '../../scripts/check-tarball.mjs'

/** Serves the tarballs (paths by package name) until it is closed. */
export async function startRegistry(tarballs) {
  const upstream = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()
  const packages = new Map([...tarballs].map(([name, path]) => [name, describe(path)]))
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      response.statusCode = 502
      response.end(String(error))
    })
  })

  async function answer(request, response) {
    const path = decodeURIComponent(request.url.slice(1))
    const [name, file] = path.split('/-/')
    const known = packages.get(name)
    if (known === undefined) return forward(request, response)
    if (file !== undefined) response.end(known.content)
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(known.packument(url)))
  }

  async function forward({ url, headers: { accept } }, response) {
    const answer = await fetch(new URL(url, upstream), { headers: accept === undefined ? {} : { accept } })
    response.statusCode = answer.status
    response.setHeader('content-type', answer.headers.get('content-type') ?? 'application/octet-stream')
    if (answer.body === null) response.end()
    else await pipeline(Readable.fromWeb(answer.body), response)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/`
  return {
    url,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function describe(path) {
  const content = readFileSync(path)
  const { manifest } = checkTarball(path)
  const { name, version } = manifest
  const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`
  const shasum = createHash('sha1').update(content).digest('hex')
  return {
    content,
    packument: (registry) => ({
      name,
      'dist-tags': { latest: version },
      // Old enough for a minimum release age.
      time: { [version]: '2026-01-01T00:00:00.000Z' },
      versions: {
        [version]: { ...manifest, dist: { tarball: `${registry}${name}/-/${version}.tgz`, integrity, shasum } },
      },
    }),
  }
}
