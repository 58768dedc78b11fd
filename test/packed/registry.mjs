// A package registry on loopback that has our tarballs; everything else comes from the one that npm is set to. Users'
// commands then run as they are written: `npm install ringlink`, and `pnpm publish`.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { checkTarball } from '../../scripts/check-tarball.mjs'

/** Serves the tarballs (paths by package name), and what is published to it, until it is closed. */
export async function startRegistry(tarballs = new Map()) {
  const upstream = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()
  const packages = new Map()
  for (const path of tarballs.values()) add(checkTarball(path).manifest, readFileSync(path))
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      response.statusCode = 502
      response.end(String(error))
    })
  })

  function add(manifest, content) {
    const { name, version } = manifest
    if (!packages.has(name)) packages.set(name, new Map())
    packages.get(name).set(version, { manifest, content })
  }

  async function answer(request, response) {
    const [name, file] = decodeURIComponent(request.url.slice(1)).split('/-/')
    if (request.method === 'PUT') return publish(await json(request), response)
    if (file !== undefined && packages.has(name))
      response.end(packages.get(name).get(file.replace(/\.tgz$/, '')).content)
    else if (packages.has(name)) sendJson(response, packument(name, packages.get(name)))
    else if (isOurs(name)) sendJson(response, { error: 'not found' }, 404)
    else await forward(request, response)
  }

  function publish({ name, versions, _attachments: attachments }, response) {
    const [[version, manifest]] = Object.entries(versions)
    if (packages.get(name)?.has(version)) return sendJson(response, { error: 'already published' }, 403)
    const [{ data }] = Object.values(attachments)
    add(manifest, Buffer.from(data, 'base64'))
    sendJson(response, { ok: true }, 201)
  }

  async function forward({ url, headers: { accept } }, response) {
    const answer = await fetch(new URL(url, upstream), { headers: accept === undefined ? {} : { accept } })
    response.statusCode = answer.status
    response.setHeader('content-type', answer.headers.get('content-type') ?? 'application/octet-stream')
    if (answer.body === null) response.end()
    else await pipeline(Readable.fromWeb(answer.body), response)
  }

  function packument(name, versions) {
    const described = [...versions].map(([version, { manifest, content }]) => {
      const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`
      const shasum = createHash('sha1').update(content).digest('hex')
      return [version, { ...manifest, dist: { tarball: `${url}${name}/-/${version}.tgz`, integrity, shasum } }]
    })
    // Old enough for a minimum release age.
    const time = Object.fromEntries(described.map(([version]) => [version, '2026-01-01T00:00:00.000Z']))
    return { name, 'dist-tags': { latest: described.at(-1)[0] }, time, versions: Object.fromEntries(described) }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/`
  return {
    url,
    packages,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Missing packages are not requested from the public registry either. */
function isOurs(name) {
  return name === 'ringlink' || name.startsWith('@ringlink/')
}

function sendJson(response, content, status = 200) {
  response.statusCode = status
  response.setHeader('content-type', 'application/json').end(JSON.stringify(content))
}
