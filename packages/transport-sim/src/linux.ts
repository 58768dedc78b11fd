/** Versions of Linux that a simulated kernel can be like: how each differs from the others. */
import type { ConntrackFeatures } from './conntrack/settings.ts'
import type { NfTablesFeatures } from './nftables/features.ts'

/** What differs from kernel to kernel. */
export interface LinuxFeatures {
  readonly nfTables: NfTablesFeatures
  readonly conntrack: ConntrackFeatures
  readonly smallBlock: number
  readonly logTimes: boolean
}

const linux618: LinuxFeatures = {
  nfTables: {
    tableOwner: true,
    persistentTables: true,
    optionalDevices: true,
    missingDevices: true,
    ruleResets: true,
    destroyMessages: true,
    batchAcknowledgements: true,
    policyReports: true,
    bitwiseOperators: true,
    mapsAsSets: true,
    initialisedRegisters: true,
    byteorderLists: true,
    distantPayload: true,
    setCount: true,
  },
  conntrack: {
    eventTimestamps: true,
    filteredDone: false,
    zoneFilters: true,
    flushFilters: true,
    invertedIpv6Filters: true,
    clashResolution: true,
  },
  smallBlock: 576,
  logTimes: true,
}

const linux612: LinuxFeatures = {
  nfTables: {
    ...linux618.nfTables,
    missingDevices: false,
    policyReports: false,
    bitwiseOperators: false,
    byteorderLists: false,
    distantPayload: false,
    setCount: false,
  },
  conntrack: { ...linux618.conntrack, eventTimestamps: false, filteredDone: true, invertedIpv6Filters: false },
  smallBlock: 640,
  logTimes: true,
}

const linux61: LinuxFeatures = {
  nfTables: {
    ...linux612.nfTables,
    persistentTables: false,
    optionalDevices: false,
    ruleResets: false,
    destroyMessages: false,
    batchAcknowledgements: false,
    mapsAsSets: false,
    initialisedRegisters: false,
    byteorderLists: true,
  },
  conntrack: { ...linux612.conntrack, zoneFilters: false, flushFilters: false, invertedIpv6Filters: true },
  smallBlock: 512,
  logTimes: false,
}

/**
 * By version, with the updates that Debian 12 had in 2026 (6.1, and 6.12 of its backports). test/differential holds
 * this table against the kernels themselves.
 */
export const linuxVersions = { '6.1': linux61, '6.12': linux612, '6.18': linux618 } as const satisfies Readonly<
  Record<string, LinuxFeatures>
>

/** A version that a simulated kernel can be like. */
export type LinuxVersion = keyof typeof linuxVersions

/** Their names. */
export const linuxVersionNames = Object.keys(linuxVersions) as readonly LinuxVersion[]

/** `features`, less what `options` say otherwise. */
export function chosenFeatures<Features extends object>(
  features: Features,
  options: { readonly [Name in keyof Features]?: Features[Name] | undefined },
): Features {
  const given = Object.entries(options).filter(([name, value]) => name in features && value !== undefined)
  return { ...features, ...Object.fromEntries(given) }
}
