import { Errno, errnoName } from '@ringlink/codec'
import type { Answers, Question } from './ask.ts'
import type { Check } from './check.ts'

/** ENOTSUPP, which is not an errno of user space: the log's answer to an unknown command. */
const ENOTSUPP = 524
const NO_PRIVILEGE = 'run ringlink doctor as root, or in a namespace of your own: unshare -Urn ringlink doctor'

interface Meaning {
  readonly id: string
  readonly title: string
  /** answers that say that it is there, besides none */
  readonly there: readonly number[]
  readonly found: string
  readonly missing: string
  readonly advice: string
  readonly isRequired?: true
  /** what it is for works without it, if not as well */
  readonly isOptional?: true
}

const meanings: Readonly<Record<Question, Meaning>> = {
  queue: {
    id: 'queue.subsystem',
    title: 'packet queues',
    there: [],
    found: 'nfnetlink_queue answers',
    missing: 'this kernel has no nfnetlink_queue',
    advice: 'load it (modprobe nfnetlink_queue), or use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE',
    isRequired: true,
  },
  log: {
    id: 'log.subsystem',
    title: 'packet logs',
    there: [ENOTSUPP, Errno.ENODEV, Errno.EOPNOTSUPP],
    found: 'nfnetlink_log answers',
    missing: 'this kernel has no nfnetlink_log',
    advice: 'load it (modprobe nfnetlink_log), or use a kernel with CONFIG_NETFILTER_NETLINK_LOG',
  },
  conntrack: {
    id: 'conntrack.subsystem',
    title: 'connection tracking',
    there: [],
    found: 'nf_conntrack_netlink answers',
    missing: 'this kernel has no nf_conntrack_netlink',
    advice: 'load it (modprobe nf_conntrack_netlink) if connections are to be listed',
    isOptional: true,
  },
  nftables: {
    id: 'rules.nftables',
    title: 'nf_tables',
    there: [],
    found: 'nf_tables answers',
    missing: 'this kernel has no nf_tables: ringlink cannot make rules',
    advice: 'load it (modprobe nf_tables), or make the rules with iptables: -j NFQUEUE --queue-num 0 --queue-bypass',
  },
  glue: {
    id: 'conntrack.glue',
    title: 'connections of queued packets',
    there: [Errno.ENODEV],
    found: 'packets can carry their connection',
    missing: 'packets cannot carry their connection: the option conntrack is refused',
    advice: 'load it (modprobe nf_conntrack_netlink), or use a kernel with CONFIG_NETFILTER_NETLINK_GLUE_CT',
    isOptional: true,
  },
  table: {
    id: 'rules.table',
    title: 'tables for IPv4 and IPv6',
    there: [],
    found: 'nf_tables has the family inet',
    missing: 'nf_tables lacks the family inet, in which ringlink makes its rules',
    advice:
      'use a kernel with CONFIG_NF_TABLES_INET, or make the rules with iptables: -j NFQUEUE --queue-num 0 --queue-bypass',
  },
  owner: {
    id: 'rules.owner',
    title: 'tables that end with their program',
    there: [],
    found: 'the kernel removes rules with the program, also after kill -9',
    missing: 'rules stay if the program is killed (Linux 5.12 has owned tables)',
    advice: 'remove what is left with: ringlink rules --remove TABLE',
    isOptional: true,
  },
  queueExpression: {
    id: 'rules.queue',
    title: "the rule expression 'queue'",
    there: [],
    found: 'native',
    missing: 'missing (CONFIG_NFT_QUEUE): rules take the xtables target NFQUEUE instead, if there is CONFIG_NFT_COMPAT',
    advice: 'load it: modprobe nft_queue',
    isOptional: true,
  },
  logExpression: {
    id: 'rules.log',
    title: "the rule expression 'log'",
    there: [],
    found: 'native',
    missing: 'missing (CONFIG_NFT_LOG): rules take the xtables target NFLOG instead, with prefixes of up to 63 bytes',
    advice: 'load it: modprobe nft_log',
    isOptional: true,
  },
}

/** What is tried with the help of something else: without that its answer says nothing. */
const needs: Partial<Record<Question, Question>> = {
  table: 'nftables',
  owner: 'table',
  queueExpression: 'table',
  logExpression: 'table',
}

/** What the kernel's answers mean. */
export function kernelChecks(answers: Answers): Check[] {
  return (Object.keys(meanings) as Question[]).map((question) => {
    const meaning = meanings[question]
    const missing = missingNeed(question, answers)
    if (missing === undefined) return meaningOf(meaning, answers[question])
    const { id, title } = meaning
    return { id, title, state: 'unknown', found: `cannot be tried: see ${meanings[missing].title}` }
  })
}

/** The first thing that a question needs and that the kernel refused. */
function missingNeed(question: Question, answers: Answers): Question | undefined {
  const need = needs[question]
  if (need === undefined) return undefined
  return missingNeed(need, answers) ?? (answers[need] === 0 || answers[need] === Errno.EPERM ? undefined : need)
}

function meaningOf(meaning: Meaning, errno: number | undefined): Check {
  const { id, title, found, missing, advice } = meaning
  const required = meaning.isRequired === undefined ? {} : { isRequired: meaning.isRequired }
  if (errno === 0 || (errno !== undefined && meaning.there.includes(errno))) {
    return { id, title, state: 'ok', found, ...required }
  }
  if (errno === Errno.EPERM) {
    return {
      id,
      title,
      state: 'unknown',
      found: 'the kernel does not say (EPERM): CAP_NET_ADMIN is missing in the user namespace that owns this network',
      advice: NO_PRIVILEGE,
      ...required,
    }
  }
  if (errno === undefined) return { id, title, state: 'unknown', found: 'the kernel did not answer', ...required }
  const state = meaning.isOptional === undefined ? 'fail' : 'warn'
  return { id, title, state, found: `${missing} (${nameOf(errno)})`, advice, ...required }
}

function nameOf(errno: number): string {
  return errno === ENOTSUPP ? 'ENOTSUPP' : errnoName(errno)
}
