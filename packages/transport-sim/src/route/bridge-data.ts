/** IFLA_INFO_DATA of a bridge whose settings are the kernel's defaults. */
import type { LinkinfoBridgeAttributes } from '@ringlink/families/rt-link'
import type { Device } from './device.ts'

/** The priority of every bridge that is not given another, with which its number begins. */
export const PRIORITY = 32768
const GROUP_ADDRESS = Uint8Array.of(0x01, 0x80, 0xc2, 0, 0, 0)

export function bridgeData({ bridgeAddress }: Device): LinkinfoBridgeAttributes {
  const id = { prio: PRIORITY, addr: bridgeAddress }
  return {
    helloTimer: 0n,
    tcnTimer: 0n,
    topologyChangeTimer: 0n,
    gcTimer: 0n,
    forwardDelay: 1500,
    helloTime: 200,
    maxAge: 2000,
    ageingTime: 30000,
    stpState: 0,
    priority: PRIORITY,
    vlanFiltering: 0,
    groupFwdMask: 0,
    bridgeId: id,
    rootId: id,
    rootPort: 0,
    rootPathCost: 0,
    topologyChange: 0,
    topologyChangeDetected: 0,
    groupAddr: GROUP_ADDRESS,
    multiBoolopt: { optval: 0, optmask: 0x1f },
    fdbNLearned: 0,
    fdbMaxLearned: 0,
    mcastRouter: 1,
    mcastSnooping: 1,
    mcastQueryUseIfaddr: 0,
    mcastQuerier: 0,
    mcastStatsEnabled: 0,
    mcastHashElasticity: 16,
    mcastHashMax: 4096,
    mcastLastMemberCnt: 2,
    mcastStartupQueryCnt: 2,
    mcastIgmpVersion: 2,
    mcastMldVersion: 1,
    mcastLastMemberIntvl: 100n,
    mcastMembershipIntvl: 26000n,
    mcastQuerierIntvl: 25500n,
    mcastQueryIntvl: 12500n,
    mcastQueryResponseIntvl: 1000n,
    mcastStartupQueryIntvl: 3124n,
    nfCallIptables: 0,
    nfCallIp6tables: 0,
    nfCallArptables: 0,
  }
}
