// What packets carry of bridges, VLANs and link layers, and what verdicts can change of it. For kernels with these
// modules.

import assert from 'node:assert/strict'
import { openQueue, type QueuePacket, type QueueRule } from '@ringlink/client'
import { iscsi } from '@ringlink/families/iscsi'
import { Namespace } from '@ringlink/test-support/namespace'
import { openFamily } from 'ringlink'
import { soakTransports } from '../soak/round.ts'
import { NOT_HERE, step } from './steps.ts'

const PORT = 9000
const VLAN = 5
const OTHER_VLAN = 6
const VLAN_PROTOCOL = 0x8100
/** 0: none */
const vlans = [0, VLAN, OTHER_VLAN]
const macs = { left: '02:00:00:00:00:01', right: '02:00:00:00:00:02' }

/** Two hosts on a bridge: `left` and `right`, each with an address, and one in each VLAN. */
await using bridge = await Namespace.open()
await using left = await Namespace.open()
await using right = await Namespace.open()
const indexes = { left: 0, right: 0, bridge: 0 }

await step('two hosts on a bridge', async () => {
  try {
    await ip(bridge, [
      'link add bridge type bridge',
      `link add left type veth peer name host address ${macs.left} netns ${left.pid}`,
      `link add right type veth peer name host address ${macs.right} netns ${right.pid}`,
      ...['left', 'right'].map((name) => `link set ${name} master bridge up`),
      'link set bridge up',
    ])
    await ip(left, [
      ...hostCommands(1),
      ...vlans.map((vlan) => `neigh replace ${addressOf(vlan)} lladdr ${macs.right} dev ${deviceOf(vlan)}`),
    ])
    await ip(right, hostCommands(2))
  } catch (error) {
    console.log(`skipped: no bridge with VLANs can be made: ${String(error).trim()}`)
    process.exit(NOT_HERE)
  }
  const links = await bridge.run('ip', '-o', 'link')
  for (const name of ['left', 'right', 'bridge'] as const)
    indexes[name] = Number(new RegExp(`^(\\d+): ${name}\\b`, 'm').exec(links)?.[1])
  for (const vlan of vlans) await right.listen(PORT + vlan, addressOf(vlan))
  return undefined
})

for (const [name, openIn] of await soakTransports()) {
  const open = openIn(bridge.path)

  /** Queues what a rule sees, sends a packet to a host and has `decide` answer it; the others pass. */
  async function queued(rule: QueueRule, vlan: number, text: string, decide: (packet: QueuePacket) => void) {
    await using queue = await openQueue({ number: 5, transport: open, ruleTransport: open, rule })
    await left.send({ port: PORT + vlan, address: addressOf(vlan), text })
    for (let isFound = false; !isFound; )
      for await (const packets of queue) {
        for (const packet of packets) {
          if (!Buffer.from(packet.payload()).includes(text)) packet.accept()
          else {
            isFound = true
            decide(packet)
          }
        }
        if (isFound) break
      }
  }

  /** What has come to a host last. */
  async function arrived(vlan: number, text: string): Promise<void> {
    const { count, payloads } = await right.received(PORT + vlan)
    if (payloads.at(-1) === text) return
    await right.waitFor(PORT + vlan, count + 1)
    assert.equal((await right.received(PORT + vlan)).payloads.at(-1), text)
  }

  await step(`${name}: a packet of a VLAN has its tag, its link layer and its port`, async () => {
    const text = `${name} in a VLAN`
    await queued({ hook: 'forward', family: 'bridge' }, VLAN, text, (packet) => {
      const { linkLayerHeader } = packet.attributes()
      assert.deepEqual(packet.vlan(), { protocol: VLAN_PROTOCOL, tag: VLAN })
      assert.deepEqual(hex(linkLayerHeader).slice(0, 24), `${macs.right}${macs.left}`.replaceAll(':', ''))
      assert.equal(packet.inputDevice ?? packet.physicalInputDevice, indexes.bridge)
      assert.equal(packet.physicalInputDevice, indexes.left)
      packet.accept()
    })
    await arrived(VLAN, text)
    return undefined
  })

  await step(`${name}: a verdict moves a packet to another VLAN`, async () => {
    const text = `${name} moved`
    const inOther = { inputInterface: deviceOf(OTHER_VLAN), protocol: 'udp', destinationPort: PORT + VLAN } as const
    await using counted = await right.install([{ hook: 'input', match: inOther }])
    await queued({ hook: 'forward', family: 'bridge' }, VLAN, text, (packet) =>
      packet.accept({ vlan: { protocol: VLAN_PROTOCOL, tag: OTHER_VLAN } }),
    )
    await arrived(VLAN, text)
    assert.equal((await counted.counters())[0]?.packets, 1)
    return undefined
  })

  await step(`${name}: a packet of IPv4 that a bridge forwards has both ports`, async () => {
    const text = `${name} forwarded`
    await bridge.run('sh', '-c', 'echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables')
    await queued({ hook: 'forward', family: 'ip' }, 0, text, (packet) => {
      const { inputDevice, outputDevice, physicalInputDevice, physicalOutputDevice } = packet
      const devices = { inputDevice, outputDevice, physicalInputDevice, physicalOutputDevice }
      const { left: physicalIn, right: physicalOut, bridge: logical } = indexes
      assert.deepEqual(devices, {
        inputDevice: logical,
        outputDevice: logical,
        physicalInputDevice: physicalIn,
        physicalOutputDevice: physicalOut,
      })
      packet.accept()
    })
    await arrived(0, text)
    await bridge.run('sh', '-c', 'echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables')
    return undefined
  })
}

await step("events of iSCSI's transport can be subscribed to", async () => {
  await using family = await openFamily(iscsi)
  const [group] = Object.keys(iscsi.groups ?? {})
  assert.ok(group)
  family.subscribe()
  return undefined
})

/** A device for each VLAN, and one without, with addresses. */
function hostCommands(number: number): string[] {
  return vlans.flatMap((vlan) => {
    const device = deviceOf(vlan)
    const made = vlan === 0 ? [] : [`link add link host name ${device} type vlan id ${vlan}`]
    return [...made, `link set ${device} up`, `address add 10.${vlan}.0.${number}/24 dev ${device}`]
  })
}

function deviceOf(vlan: number): string {
  return vlan === 0 ? 'host' : `v${vlan}`
}

/** The address of the host on the right in a VLAN. */
function addressOf(vlan: number): string {
  return `10.${vlan}.0.2`
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex')
}

function ip(namespace: Namespace, commands: readonly string[]): Promise<string> {
  return namespace.run('sh', '-c', `printf '%s\\n' "$@" | ip -batch -`, 'sh', ...commands)
}
