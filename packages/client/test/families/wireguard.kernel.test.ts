/** A WireGuard device with peers, keys and allowed addresses, made and read by this library, beside `wg`. */
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { NewFlag } from '@ringlink/codec'
import { rtLink } from '@ringlink/families/rt-link'
import { WgdeviceFlags, WgpeerFlags, wireguard } from '@ringlink/families/wireguard'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetlinkFamily } from '../../src/index.ts'
import { ipv4, ipv6 } from './made-network.ts'
import { OpenedFamilies } from './opened-families.ts'
import { addressText, missingProgram } from './shown-fields.ts'

const wgMissing = missingProgram('wg')

/** A pair of keys of X25519, 32 bytes each. */
function keyPair(): { privateKey: Uint8Array; publicKey: Uint8Array } {
  const { privateKey } = generateKeyPairSync('x25519')
  const raw = (key: { export(options: { format: 'jwk' }): { d?: string; x?: string } }, part: 'd' | 'x') =>
    Uint8Array.from(Buffer.from(key.export({ format: 'jwk' })[part] ?? '', 'base64url'))
  return { privateKey: raw(privateKey, 'd'), publicKey: raw(createPublicKey(privateKey), 'x') }
}

/** `struct sockaddr_in`: the family in host order, port and address in network order. */
function endpointOf(port: number, address: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(new Uint8Array(Uint16Array.of(2).buffer))
  bytes.set([port >> 8, port & 255, ...address], 2)
  return bytes
}

const base64 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64')

describe.skipIf(kernelUnavailable)(kernelTests('wireguard on the real kernel'), () => {
  let namespace: Namespace
  /** `undefined` where the kernel does not have it. */
  let devices: NetlinkFamily<typeof wireguard> | undefined
  const opened = new OpenedFamilies()
  const own = keyPair()
  const [first, second] = [keyPair(), keyPair()]
  const presharedKey = Uint8Array.from(randomBytes(32))

  beforeAll(async () => {
    namespace = await Namespace.open()
    const links = await opened.open(rtLink, namespace.path)
    const link = { ifname: 'wg-a', linkinfo: { kind: 'wireguard' } }
    try {
      // The device first: it loads the module.
      await links.do('newlink', link, { flags: NewFlag.Create | NewFlag.Exclusive })
    } catch (error) {
      await expect(opened.open(wireguard, namespace.path)).rejects.toMatchObject({
        code: 'FAMILY_UNSUPPORTED',
        message: expect.stringContaining('modprobe wireguard'),
      })
      expect(error).toMatchObject({ code: 'KERNEL' })
      return
    }
    devices = await opened.open(wireguard, namespace.path)
    await devices.do('setDevice', {
      ifname: 'wg-a',
      privateKey: own.privateKey,
      listenPort: 51_820,
      fwmark: 0x77,
      flags: WgdeviceFlags.ReplacePeers,
      peers: [
        {
          publicKey: first.publicKey,
          presharedKey,
          endpoint: endpointOf(51_821, ipv4('192.0.2.9')),
          persistentKeepaliveInterval: 25,
          flags: WgpeerFlags.ReplaceAllowedips,
          allowedips: [
            { family: 2, ipaddr: ipv4('10.7.0.0'), cidrMask: 16 },
            { family: 10, ipaddr: ipv6(0, 7), cidrMask: 64 },
          ],
        },
        { publicKey: second.publicKey, allowedips: [{ family: 2, ipaddr: ipv4('10.8.0.1'), cidrMask: 32 }] },
      ],
    })
  })
  afterAll(async () => {
    await opened.close()
    await namespace?.close()
  })

  async function read() {
    const rows = (await devices?.dump('getDevice', { ifname: 'wg-a' })) ?? []
    return { device: rows[0], peers: rows.flatMap(({ peers }) => peers ?? []) }
  }

  test('what was set is read, or the error names the module', async () => {
    // beforeAll has tested the error.
    if (devices === undefined) return
    const { device, peers } = await read()
    expect(device).toMatchObject({ ifname: 'wg-a', listenPort: 51_820, fwmark: 0x77, publicKey: own.publicKey })
    expect(peers.map(({ publicKey }) => publicKey)).toEqual([first.publicKey, second.publicKey])
    expect(peers[0]).toMatchObject({
      presharedKey,
      endpoint: endpointOf(51_821, ipv4('192.0.2.9')),
      persistentKeepaliveInterval: 25,
      rxBytes: 0n,
    })
    expect(devices.stats.unknownAttributes).toBe(0)
  })

  const title = `every field of wg show dump${wgMissing === undefined ? '' : ` (skipped: ${wgMissing})`}`
  test.skipIf(wgMissing)(title, async () => {
    if (devices === undefined) return
    const { device, peers } = await read()
    const [shown = '', ...shownPeers] = (await namespace.run('wg', 'show', 'wg-a', 'dump')).trim().split('\n')
    const mark = `0x${device?.fwmark?.toString(16)}`
    expect(shown.split('\t')).toEqual([
      base64(device?.privateKey),
      base64(device?.publicKey),
      String(device?.listenPort),
      mark,
    ])
    const none = Buffer.alloc(32).toString('base64')
    expect(shownPeers.map((line) => line.split('\t'))).toEqual(
      peers.map((peer) => {
        const { endpoint, presharedKey: shared } = peer
        const port = endpoint && ((endpoint[2] as number) << 8) | (endpoint?.[3] ?? 0)
        return [
          base64(peer.publicKey),
          base64(shared) === none ? '(none)' : base64(shared),
          endpoint === undefined ? '(none)' : `${endpoint.subarray(4, 8).join('.')}:${port}`,
          (peer.allowedips ?? []).map(({ ipaddr, cidrMask }) => `${addressText(ipaddr)}/${cidrMask}`).join(','),
          String(peer.lastHandshakeTime?.sec),
          String(peer.rxBytes),
          String(peer.txBytes),
          peer.persistentKeepaliveInterval === 0 ? 'off' : String(peer.persistentKeepaliveInterval),
        ]
      }),
    )
  })

  test('a peer that is removed is gone', async () => {
    if (devices === undefined) return
    const peers = [{ publicKey: second.publicKey, flags: WgpeerFlags.RemoveMe }]
    await devices.do('setDevice', { ifname: 'wg-a', peers })
    expect((await read()).peers.map(({ publicKey }) => publicKey)).toEqual([first.publicKey])
  })
})
