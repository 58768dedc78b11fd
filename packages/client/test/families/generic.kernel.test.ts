/** Generic families beside other programs, field by field: ethtool, netdev, mptcp_pm and tcp_metrics. */
import type { FamilyDescription, OperationValues } from '@ringlink/codec'
import { ethtool } from '@ringlink/families/ethtool'
import { mptcpPm } from '@ringlink/families/mptcp-pm'
import { netdev, QueueType } from '@ringlink/families/netdev'
import { rtLink } from '@ringlink/families/rt-link'
import { tcpMetrics } from '@ringlink/families/tcp-metrics'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeNetwork } from './made-network.ts'
import { OpenedFamilies } from './opened-families.ts'
import { beside, comparedFields, differences, missingProgram, type Readers, type Shown } from './shown-fields.ts'

const ipMissing = missingProgram('ip')
const ethtoolMissing = missingProgram('ethtool')

const dotted = (address: number | undefined) =>
  address === undefined ? undefined : [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')

/** What ethtool calls by older names, and the features that each is. */
const OLDER_NAMES: Readonly<Record<string, RegExp>> = {
  'rx-checksumming': /^rx-checksum$/,
  'tx-checksumming': /^tx-checksum-/,
  'scatter-gather': /^tx-scatter-gather/,
  'tcp-segmentation-offload': /^tx-tcp.*-segmentation$/,
  'generic-segmentation-offload': /^tx-generic-segmentation$/,
  'generic-receive-offload': /^rx-gro$/,
  'large-receive-offload': /^rx-lro$/,
  'rx-vlan-offload': /^rx-vlan-hw-parse$/,
  'tx-vlan-offload': /^tx-vlan-hw-insert$/,
  'ntuple-filters': /^rx-ntuple-filter$/,
  'receive-hashing': /^rx-hashing$/,
}

type Endpoint = NonNullable<OperationValues<typeof mptcpPm.operations.getAddr>['addr']>
const flag = (bit: number) => (endpoint: Endpoint) => ((endpoint.flags ?? 0) & bit) !== 0

type Metrics = OperationValues<typeof tcpMetrics.operations.get>
/** Seconds of microseconds that the kernel keeps as a multiple of `2 ** shift`, with the six digits of C. */
const seconds = (value: number | undefined, shift: number) => Number((((value ?? 0) >>> shift) / 1e6).toPrecision(6))
const metricsReaders: Readers<Metrics> = {
  dst: ({ addrIpv4 }) => dotted(addrIpv4),
  source: ({ saddrIpv4 }) => dotted(saddrIpv4),
  age: 'a clock, which ran on between the two readings',
  cwnd: ({ vals }) => vals?.cwnd,
  ssthresh: ({ vals }) => vals?.ssthresh,
  reordering: ({ vals }) => vals?.reodering,
  rtt: ({ vals }) => seconds(vals?.rttUs, 3),
  rttvar: ({ vals }) => seconds(vals?.rttvarUs, 2),
}

describe.skipIf(kernelUnavailable)(kernelTests('generic families beside other programs'), () => {
  let namespace: Namespace
  const opened = new OpenedFamilies()
  const open = <Description extends FamilyDescription>(family: Description) => opened.open(family, namespace.path)
  const json = async (...command: string[]) => JSON.parse(await namespace.run(...command)) as Shown[]

  beforeAll(async () => {
    namespace = await Namespace.open()
    await makeNetwork(open)
  })
  afterAll(async () => {
    await opened.close()
    await namespace?.close()
  })

  describe.skipIf(ethtoolMissing)(beside('ethtool', ethtoolMissing), () => {
    test('every feature of a device: whether it is active, fixed and requested', async () => {
      const features = await (await open(ethtool)).do('featuresGet', { header: { devName: 'veth-a' } })
      // With a mask every bit is listed, and has `value` where it is set.
      const names = (set: NonNullable<typeof features>['active']) => {
        const listed = set?.bits?.bit?.filter(({ value }) => set.nomask === true || value === true) ?? []
        return new Set(listed.map(({ name }) => name ?? ''))
      }
      const { active: on, hw, nochange, wanted: asked } = features ?? {}
      const [active, hardware, fixed, requested] = [names(on), names(hw), names(nochange), names(asked)]
      const [shown = {}] = await json('ethtool', '--json', '-k', 'veth-a')
      const { ifname, ...rest } = shown
      expect(ifname).toBe(features?.header?.devName)
      const known = new Set([...active, ...hardware, ...fixed, ...requested])
      const different = Object.entries(rest).filter(([name, value]) => {
        const members = [...known].filter((feature) => OLDER_NAMES[name]?.test(feature) ?? feature === name)
        const isOne = members.length < 2
        const state = {
          active: members.some((feature) => active.has(feature)),
          fixed: isOne ? members.every((feature) => fixed.has(feature) || !hardware.has(feature)) : null,
          requested: isOne ? members.some((feature) => requested.has(feature)) : null,
        }
        return JSON.stringify(state) !== JSON.stringify(value)
      })
      expect(different).toEqual([])
      expect(Object.keys(rest).length).toBeGreaterThan(40)
    })

    test('channels', async () => {
      const channels = await (await open(ethtool)).do('channelsGet', { header: { devName: 'veth-a' } })
      const text = await namespace.run('ethtool', '-l', 'veth-a')
      const numbers = (name: string) =>
        [...text.matchAll(new RegExp(`^${name}:\\s+(\\S+)$`, 'gm'))].map(([, value]) => value)
      const ours = (value: number | undefined) => (value === undefined ? 'n/a' : String(value))
      expect(numbers('RX')).toEqual([ours(channels?.rxMax), ours(channels?.rxCount)])
      expect(numbers('TX')).toEqual([ours(channels?.txMax), ours(channels?.txCount)])
      expect(numbers('Other')).toEqual([ours(channels?.otherMax), ours(channels?.otherCount)])
      expect(numbers('Combined')).toEqual([ours(channels?.combinedMax), ours(channels?.combinedCount)])
    })

    test('the queues of netdev are the channels of ethtool', async () => {
      const family = await opened.openOrExplain(netdev, 'it needs Linux 6.3 or later', namespace.path)
      if (family === undefined) return
      const links = await open(rtLink)
      const ifindex = (await links.do('getlink', { ifname: 'veth-a' }))?.header.index ?? 0
      // Of these kernels only later ones have queues.
      const { operations } = await family.policy()
      if (!operations.some(({ command }) => command === netdev.operations.queueGet.dump?.request)) return
      const counts = async () => {
        const queues = await family.dump('queueGet', { ifindex })
        const ids = (wanted: QueueType) => queues.filter(({ type }) => type === wanted).map(({ id }) => id ?? -1)
        const [received, sent] = [ids(QueueType.Rx), ids(QueueType.Tx)]
        for (const list of [received, sent]) expect(list).toEqual([...list.keys()])
        return { rx: received.length, tx: sent.length }
      }
      const shown = async () => {
        const text = await namespace.run('ethtool', '-l', 'veth-a')
        const current = text.slice(text.indexOf('Current hardware settings'))
        const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(current)?.[1])
        return { rx: number('RX'), tx: number('TX') }
      }
      const before = await counts()
      expect(before).toEqual(await shown())
      expect(before.rx).toBeGreaterThan(0)
      const channels = await open(ethtool)
      const { rxMax = 1, txMax = 1 } = (await channels.do('channelsGet', { header: { devName: 'veth-a' } })) ?? {}
      await channels.do('channelsSet', { header: { devName: 'veth-a' }, rxCount: rxMax, txCount: txMax })
      expect(await counts()).toEqual({ rx: rxMax, tx: txMax })
      expect(await counts()).toEqual(await shown())
      const [queue] = await family.dump('queueGet', { ifindex })
      const { id, type } = queue ?? {}
      expect(await family.do('queueGet', { ifindex, id, type })).toEqual(queue)
    })
  })

  describe.skipIf(ipMissing)(beside('ip', ipMissing), () => {
    test('endpoints and limits of multipath TCP', async () => {
      const endpoints = await open(mptcpPm)
      await endpoints.do('addAddr', { addr: { family: 2, addr4: 0xc000_0201, id: 3, flags: 1 | 4, port: 7777 } })
      await endpoints.do('addAddr', { addr: { family: 2, addr4: 0xc000_0207, id: 4, flags: 2 | 8 } })
      await endpoints.do('setLimits', { rcvAddAddrs: 2, subflows: 3 })
      const rows = (await endpoints.dump('getAddr')).map(({ addr }) => addr as Endpoint)
      const shown = await json('ip', '-json', 'mptcp', 'endpoint', 'show')
      const readers: Readers<Endpoint> = {
        address: ({ addr4 }) => dotted(addr4),
        id: ({ id }) => id,
        port: ({ port }) => port,
        signal: flag(1),
        subflow: flag(2),
        backup: flag(4),
        fullmesh: flag(8),
      }
      expect(rows).toHaveLength(2)
      expect(shown.flatMap((fields, index) => differences(fields, rows[index] as Endpoint, readers))).toEqual([])
      expect(comparedFields(shown, readers).sort()).toEqual(Object.keys(readers).sort())
      const limits = await endpoints.do('getLimits')
      const text = await namespace.run('ip', 'mptcp', 'limits')
      expect(text.trim()).toBe(`add_addr_accepted ${limits?.rcvAddAddrs} subflows ${limits?.subflows}`)
    })

    test('metrics of TCP', async () => {
      await namespace.serve(4050)
      await namespace.connect({ port: 4050, bytes: 100_000 })
      const rows = await (await open(tcpMetrics)).dump('get')
      const shown = await json('ip', '-json', 'tcp_metrics', 'show')
      expect(rows).toHaveLength(shown.length)
      expect(rows.length).toBeGreaterThan(0)
      expect(shown.flatMap((fields, index) => differences(fields, rows[index] as Metrics, metricsReaders))).toEqual([])
      expect(comparedFields(shown, metricsReaders)).toEqual(expect.arrayContaining(['dst', 'source', 'cwnd', 'rtt']))
    })

    test('the devices of netdev are the links', async () => {
      const family = await opened.openOrExplain(netdev, 'it needs Linux 6.3 or later', namespace.path)
      if (family === undefined) return
      const devices = await family.dump('devGet')
      const links = await json('ip', '-json', 'link')
      const indices = (all: readonly unknown[]) => all.map(Number).sort((one, other) => one - other)
      expect(indices(devices.map(({ ifindex }) => ifindex))).toEqual(indices(links.map(({ ifindex }) => ifindex)))
    })
  })
})
