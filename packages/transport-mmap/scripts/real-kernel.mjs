// The running kernel for checks.mjs. Uses only the built packages: no ip, no nft.
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Skip } from './checks.mjs'

const ROUTE = 0
const NEW_LINK = 16 // RTM_NEWLINK
const GET_LINK = 18 // RTM_GETLINK
const NEW_ADDRESS = 20 // RTM_NEWADDR
const GET_ADDRESS = 22 // RTM_GETADDR
const CREATE = 0x600 // NLM_F_CREATE | NLM_F_EXCL
const ADDRESS_GROUP = 5 // RTNLGRP_IPV4_IFADDR
const LOOPBACK = 1 // its index in any namespace
const ADDRESSES = 300
const PATIENCE = 10_000

/**
 * @param lib the parts of the built packages that the checks use @param isOwn whether the network namespace is our own,
 * so that it may be changed
 */
export async function realKernel(lib, isOwn) {
  const changes = isOwn ? undefined : 'nothing is changed outside a network namespace of our own'
  if (isOwn) await prepare(lib)
  let addresses = 0
  return {
    lib,
    kernel: lib.nativeKernel(),
    probe: lib.probeNetlinkRing,
    openPlain: lib.openSocket,
    dumps: [
      { name: 'links', protocol: ROUTE, type: GET_LINK, body: new Uint8Array(16) },
      { name: 'addresses', protocol: ROUTE, type: GET_ADDRESS, body: new Uint8Array(8) },
    ],
    single: { name: 'the link lo', protocol: ROUTE, type: GET_LINK, body: linkBody(0) },
    notify: {
      skip: changes,
      protocol: ROUTE,
      group: ADDRESS_GROUP,
      cause: () => ask(lib, [addAddress(78, addresses++)]),
    },
    queue: { skip: changes, prepare: (number) => prepareTraffic(lib, number) },
    leftovers: (bytes) => [
      ...(bytes.length === 0 ? [] : ['memory that can still be read']),
      ...readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes('socket:[')),
    ],
  }
}

/** Brings loopback up, with enough addresses for a dump of several parts. */
async function prepare(lib) {
  const up = { what: 'lo up', type: NEW_LINK, flags: 0, body: linkBody(1) }
  await ask(lib, [up, ...Array.from({ length: ADDRESSES }, (_, index) => addAddress(77, index))])
}

/** `struct ifinfomsg` of loopback, with the flag IFF_UP or not. */
function linkBody(up) {
  const body = new Uint32Array(4)
  body.set([LOOPBACK, up, up], 1)
  return new Uint8Array(body.buffer)
}

/** 10.`net`.x.y/32 for loopback: `struct ifaddrmsg`, IFA_LOCAL, IFA_ADDRESS. */
function addAddress(net, index) {
  const address = [10, net, index >> 8, index & 255]
  const attribute = (type) => [...new Uint8Array(Uint16Array.of(8, type).buffer), ...address]
  const head = [2, 32, 0, 0, ...new Uint8Array(Uint32Array.of(LOOPBACK).buffer)]
  const body = Uint8Array.from([...head, ...attribute(2), ...attribute(1)])
  return { what: `address ${address.join('.')}`, type: NEW_ADDRESS, flags: CREATE, body }
}

async function ask(lib, requests) {
  const session = new lib.Session(await lib.openSocket({ protocol: ROUTE }), { protocol: ROUTE })
  try {
    for (const { what, type, flags, body } of requests) {
      const size = 16 + body.length
      const write = (memory, offset) => {
        memory.u32.set([size, type | (flags << 16), 0, 0], offset >> 2)
        memory.u8.set(body, offset + 16)
        return size
      }
      await session.request({ what, size, write })
    }
  } finally {
    await session.close()
  }
}

/** Whether this kernel has nf_tables: kernels with rings and without nf_tables crash on a transaction. */
function hasTables() {
  try {
    return readFileSync('/proc/kallsyms', 'utf8').includes(' nf_tables_newtable')
  } catch {
    return false
  }
}

async function tablesRule(lib, port, queue) {
  if (typeof lib.installRules !== 'function') throw new Error('the built client has no rules')
  if (!hasTables()) throw new Error('nf_tables is not loaded')
  // Before connection tracking: until 4.7 it drops packets of one new flow that were queued together.
  const rule = { hook: 'output', priority: 'raw', match: { protocol: 'udp', destinationPort: port }, queue }
  const rules = await lib.installRules([rule], { transport: lib.openSocket, family: 'ip' })
  return () => rules.close()
}

async function iptablesRule(_lib, port, queue) {
  const iptables = (action) => {
    const rule = ['-p', 'udp', '--dport', String(port), '-j', 'NFQUEUE', '--queue-num', String(queue)]
    return spawnSync('iptables', ['-t', 'raw', action, 'OUTPUT', ...rule], { encoding: 'utf8' })
  }
  const { error, status, stderr } = iptables('-A')
  if (error !== undefined) throw new Error('iptables is missing')
  if (status !== 0) throw new Error(`iptables: ${stderr.trim()}`)
  return () => iptables('-D')
}

/** Queues the packets to a port. Returns a function that undoes this. */
async function makeRule(lib, port, queue) {
  const reasons = []
  for (const make of [tablesRule, iptablesRule]) {
    try {
      return await make(lib, port, queue)
    } catch (error) {
      reasons.push(error.message)
    }
  }
  throw new Skip(`no rule can be made, and without one no packet is queued: ${reasons.join('; ')}`)
}

/** A rule that queues the packets to a port of our own, and both sockets of that traffic. */
async function prepareTraffic(lib, number) {
  const receiver = createSocket('udp4')
  const sender = createSocket('udp4')
  let arrived = 0
  receiver.on('message', () => arrived++)
  receiver.bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address()
  const removeRule = await makeRule(lib, port, number).catch((error) => {
    for (const socket of [sender, receiver]) socket.close()
    throw error
  })
  return {
    send: async (count) => {
      for (let i = 0; i < count; i++) {
        await new Promise((resolve) => sender.send(`packet ${i}`, port, '127.0.0.1', resolve))
      }
    },
    arrived: async (count) => {
      const end = Date.now() + PATIENCE
      while (arrived < count && Date.now() < end) await new Promise(setImmediate)
      return arrived
    },
    close: async () => {
      sender.close()
      receiver.close()
      await removeRule()
    },
  }
}
