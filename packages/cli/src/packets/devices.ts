import { readFileSync } from 'node:fs'

/** Finds names of devices by their indexes in this network namespace. */
export class DeviceNames {
  #names = new Map<number, string>()

  /** The name, or `#3` if unknown. */
  name(index: number): string {
    let name = this.#names.get(index)
    if (name !== undefined) return name
    // Devices come and go: new ones are looked up once.
    for (const [number, found] of readDevices()) this.#names.set(number, found)
    name = this.#names.get(index) ?? `#${index}`
    this.#names.set(index, name)
    return name
  }
}

/** For packets of another machine or time, whose devices are not ours. */
export const unknownDevices: Pick<DeviceNames, 'name'> = { name: (index) => `#${index}` }

/** Those with IPv4 and those with IPv6. Not /sys/class/net: that may be mounted for another namespace. */
function readDevices(): [number, string][] {
  const withIpv4 = readLines('/proc/self/net/igmp').flatMap((line): [number, string][] => {
    const [, index, name] = /^(\d+)\s+(\S+)/.exec(line) ?? []
    return index === undefined || name === undefined ? [] : [[Number(index), name]]
  })
  const withIpv6 = readLines('/proc/self/net/if_inet6').flatMap((line): [number, string][] => {
    const [, index, , , , name] = line.trim().split(/\s+/)
    return index === undefined || name === undefined ? [] : [[Number.parseInt(index, 16), name]]
  })
  return [...withIpv4, ...withIpv6]
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}
