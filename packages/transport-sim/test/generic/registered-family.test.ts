/** Families that a test registers, used by the client as those of a real kernel. */
import { openFamily } from '@ringlink/client'
import { Errno, type FamilyDescription, Protocol } from '@ringlink/codec'
import { ethtool } from '@ringlink/families/ethtool'
import { netdev } from '@ringlink/families/netdev'
import { nlctrl } from '@ringlink/families/nlctrl'
import { ovsVport } from '@ringlink/families/ovs-vport'
import { rtLink } from '@ringlink/families/rt-link'
import { describe, expect, test } from 'vitest'
import { Refusal, SimKernel } from '../../src/index.ts'

const kernelWith = () => {
  const kernel = new SimKernel()
  return { kernel, transport: (needs: Parameters<SimKernel['open']>[0]) => kernel.open(needs) }
}
const open = <Description extends FamilyDescription>(kernel: SimKernel, family: Description, privileged = true) =>
  openFamily(family, { transport: (needs) => kernel.open({ ...needs, privileged }) })

describe('a registered family', () => {
  test('shows the statistics of a network card, as in the README', async () => {
    const { kernel, transport } = kernelWith()
    kernel.registerFamily(ethtool, {
      statsGet: {
        do: ({ header, groups }) => {
          if (header?.devName !== 'eth0')
            throw new Refusal(Errno.ENODEV, { message: 'no device matches name', attribute: ['header', 'devName'] })
          const asked = groups?.bits?.bit?.map(({ name }) => name)
          return { grp: { id: 1, stat: asked?.includes('eth-mac') === true ? [{ id: 2, value: 7n }] : [] } }
        },
      },
    })
    await using cards = await openFamily(ethtool, { transport })
    const groups = { nomask: true as const, bits: { bit: [{ name: 'eth-mac' }] } }
    const reply = await cards.do('statsGet', { header: { devName: 'eth0' }, groups })
    expect(reply?.grp?.stat).toEqual([{ id: 2, value: 7n }])
    const wrong = cards.do('statsGet', { header: { devName: 'eth9' }, groups })
    await expect(wrong).rejects.toMatchObject({
      code: 'KERNEL',
      errno: Errno.ENODEV,
      extendedMessage: 'no device matches name',
      attribute: expect.stringContaining('ETHTOOL_A_HEADER_DEV_NAME'),
    })
  })

  test('answers, dumps and refuses', async () => {
    const { kernel } = kernelWith()
    const ports = ['eth0', 'eth1']
    kernel.registerFamily(ethtool, {
      linkinfoGet: {
        do: ({ header }) => {
          if (header?.devName === undefined) throw new Refusal(Errno.EINVAL, { missing: 'header' })
          return { header: { devIndex: 1, devName: header.devName }, port: 2 }
        },
        dump: function* () {
          for (const [index, devName] of ports.entries()) yield { header: { devIndex: index + 1, devName } }
          throw new Refusal(Errno.EOPNOTSUPP)
        },
      },
      linkinfoSet: { do: () => undefined, privileged: true },
    })
    await using cards = await open(kernel, ethtool)
    expect(await cards.do('linkinfoGet', { header: { devName: 'eth1' } })).toEqual({
      header: { devIndex: 1, devName: 'eth1' },
      port: 2,
    })
    await expect(cards.do('linkinfoGet')).rejects.toMatchObject({
      errno: Errno.EINVAL,
      missing: 'ETHTOOL_A_LINKINFO_HEADER',
    })
    expect(await cards.do('linkinfoSet', { header: { devName: 'eth1' }, port: 1 })).toBeUndefined()
    await expect(cards.dump('linkinfoGet')).rejects.toMatchObject({ errno: Errno.EOPNOTSUPP })
    await expect(cards.do('debugGet')).rejects.toMatchObject({ errno: Errno.EOPNOTSUPP })
    await using user = await open(kernel, ethtool, false)
    await expect(user.do('linkinfoSet', { port: 1 })).rejects.toMatchObject({ errno: Errno.EPERM })
  })

  test('has a header of its own where its description says so', async () => {
    const { kernel } = kernelWith()
    kernel.registerFamily(ovsVport, {
      get: { do: ({ header, name }) => ({ header: { dpIfindex: header?.dpIfindex ?? 0 }, name, portNo: 3 }) as never },
    })
    await using ports = await open(kernel, ovsVport)
    expect(await ports.do('get', { header: { dpIfindex: 9 }, name: 'p' })).toEqual({
      header: { dpIfindex: 9 },
      name: 'p',
      portNo: 3,
    })
    await using controller = await open(kernel, nlctrl)
    expect(await controller.do('getfamily', { familyName: 'ovs_vport' })).toMatchObject({ hdrsize: 4, version: 2 })
  })

  test('notifies the members of its groups', async () => {
    const { kernel } = kernelWith()
    const family = kernel.registerFamily(netdev, { devGet: { do: () => undefined } })
    await using devices = await open(kernel, netdev)
    const notifications = devices.subscribe('pagePool')
    const next = notifications.next()
    family.notify('mgmt', 'devAddNtf', { ifindex: 4 })
    family.notify('pagePool', 'pagePoolAddNtf', { id: 4n })
    expect((await next).value).toEqual({ operation: 'pagePoolAddNtf', values: { id: 4n } })
    await notifications.return(undefined)
    expect(() => family.notify('mgmnt' as 'mgmt', 'devAddNtf', {})).toThrow('did you mean "mgmt"?')
    expect(() => family.notify('mgmt', 'devAdNtf' as 'devAddNtf', {})).toThrow('did you mean "devAddNtf"?')
    expect(() => family.notify('mgmt', 'qstatsGot' as 'qstatsGet', {})).toThrow('has no operation')
  })

  test('is announced by the controller, and its end as well', async () => {
    const { kernel } = kernelWith()
    await using controller = await open(kernel, nlctrl)
    const raw = kernel.open({ protocol: Protocol.Generic, groups: [16] })
    const family = kernel.registerFamily(netdev, { devGet: { do: () => undefined, dump: () => [] } })
    const known = await controller.dump('getfamily')
    expect(known.map(({ familyName, familyId }) => [familyName, familyId])).toEqual([
      ['nlctrl', 16],
      ['netdev', family.id],
    ])
    const mcastGroups = [
      { id: 2, name: 'mgmt' },
      { id: 3, name: 'page-pool' },
    ]
    expect(known[1]).toMatchObject({ ops: [{ id: 1, flags: 0x0e }], mcastGroups })
    family.unregister()
    family.unregister()
    await expect(open(kernel, netdev)).rejects.toMatchObject({ code: 'FAMILY_UNSUPPORTED' })
    const commands: number[] = []
    for (let batch = raw.poll(); batch !== undefined; batch = raw.poll()) {
      for (let i = 0; i < batch.length; i++) commands.push(batch.memory.u8[batch.offset(i) + 16] as number)
      batch.release()
    }
    // CTRL_CMD_NEWFAMILY, NEWMCAST_GRP, DELMCAST_GRP, DELFAMILY
    expect(commands).toEqual([1, 7, 7, 8, 8, 2])
    await raw.close()
    // Its number is not used again at once.
    const again = kernel.registerFamily(netdev, {})
    expect(again.id).toBe(family.id + 1)
  })

  test('tells its policy, with nests of nests', async () => {
    const { kernel } = kernelWith()
    kernel.registerFamily(ethtool, { linkinfoGet: { do: () => undefined, accepts: ['header', 'port'] } })
    await using cards = await open(kernel, ethtool)
    const { attributes, operations } = await cards.policy()
    expect(operations).toEqual([{ command: 2, do: 0, dump: undefined }])
    expect(attributes.filter(({ policy }) => policy === 0)).toEqual([
      { policy: 0, attribute: 1, value: { policyIndex: 1, policyMaximumType: 4, type: 13 } },
      { policy: 0, attribute: 2, value: { minimumUnsigned: 0n, maximumUnsigned: 255n, type: 2 } },
    ])
    expect(attributes.filter(({ policy }) => policy === 1).map(({ attribute }) => attribute)).toEqual([1, 2, 3, 4])
  })

  test('refuses what cannot be registered', () => {
    const { kernel } = kernelWith()
    expect(() => kernel.registerFamily(rtLink, {})).toThrow('register rt-link: only a generic family can be registered')
    expect(() => kernel.registerFamily(ethtool, { linkinfoGot: {} } as never)).toThrow('did you mean "linkinfoGet"?')
    kernel.registerFamily(ethtool, {})
    expect(() => kernel.registerFamily(ethtool, {})).toThrow('EEXIST')
  })
})
