/** Rules in nft's syntax, if ringlink can make such rules; other expressions are named. */
import {
  CompareOperation,
  type Expression,
  type ExpressionData,
  escapeText,
  MetaKey,
  PayloadBase,
  quoteText,
  type Rule,
  RuleQueueFlag,
  RuleVerdict,
  readLogTarget,
  readQueueTarget,
} from '@ringlink/codec'
import { formatAddress, protocolName } from '@ringlink/packet'

/** The matches, actions and counters of a rule. */
export interface RuleDescription {
  readonly text: string
  readonly packets: number | undefined
  readonly bytes: number | undefined
}

const metaNames: Readonly<Record<number, string>> = {
  [MetaKey.Protocol]: 'meta protocol',
  [MetaKey.Mark]: 'meta mark',
  [MetaKey.InputDeviceName]: 'iifname',
  [MetaKey.OutputDeviceName]: 'oifname',
  [MetaKey.UserId]: 'meta skuid',
  [MetaKey.Family]: 'meta nfproto',
  [MetaKey.TransportProtocol]: 'meta l4proto',
}
const FAMILY_NAMES: Readonly<Record<number, string>> = { 2: 'ipv4', 10: 'ipv6' }
const operators: Readonly<Record<number, string>> = {
  [CompareOperation.Equal]: '',
  [CompareOperation.NotEqual]: '!= ',
  [CompareOperation.Less]: '< ',
  [CompareOperation.LessOrEqual]: '<= ',
  [CompareOperation.Greater]: '> ',
  [CompareOperation.GreaterOrEqual]: '>= ',
}

/** Describes a rule. Never throws, for any contents. */
export function describeRule({ expressions = [] }: Rule): RuleDescription {
  const reader = new RuleReader()
  for (const expression of expressions) reader.take(expression)
  const { packets, bytes } = reader.counter
  return { text: reader.words.join(' '), packets, bytes }
}

/** Follows what the expressions of a rule load and compare. */
class RuleReader {
  readonly words: string[] = []
  counter: { packets?: number; bytes?: number } = {}
  /** the value loaded last: its name, and how to read it */
  #loaded = 'register'
  #protocol = ''

  take({ name, data }: Expression): void {
    switch (name) {
      case 'meta':
        this.#meta(data as ExpressionData<'meta'>)
        return
      case 'payload':
        this.#payload(data as ExpressionData<'payload'>)
        return
      case 'ct':
        this.#loaded = 'ct state'
        return
      case 'bitwise':
        this.#loaded = `${this.#loaded} & ${hexOf((data as ExpressionData<'bitwise'>).mask?.value)}`
        return
      case 'cmp':
        this.#compare(data as ExpressionData<'cmp'>)
        return
      case 'range': {
        const { from, to } = data as ExpressionData<'range'>
        this.words.push(`${this.#loaded} ${this.#value(from?.value)}-${this.#value(to?.value)}`)
        return
      }
      case 'lookup': {
        const { set = '' } = data as ExpressionData<'lookup'>
        this.words.push(`${this.#loaded} @${escapeText(set)}`)
        return
      }
      case 'counter': {
        const { packets = 0n, bytes = 0n } = data as ExpressionData<'counter'>
        this.counter = { packets: Number(packets), bytes: Number(bytes) }
        return
      }
      case 'immediate':
        this.#immediate(data as ExpressionData<'immediate'>)
        return
      case 'queue':
        this.words.push(queueText(data as ExpressionData<'queue'>))
        return
      case 'log':
        this.words.push(logText(data as ExpressionData<'log'>))
        return
      case 'target':
        this.words.push(targetText(data as ExpressionData<'target'>))
        return
      default:
        this.words.push(escapeText(name ?? '?'))
    }
  }

  #meta({ key = -1, sourceRegister }: ExpressionData<'meta'>): void {
    const name = metaNames[key] ?? `meta key ${key}`
    if (sourceRegister === undefined) this.#loaded = name
    else this.words.push(`${name} set`)
  }

  #payload({ base, offset, length }: ExpressionData<'payload'>): void {
    const isPort = base === PayloadBase.Transport && length === 2 && (offset === 0 || offset === 2)
    const isVersion4 = base === PayloadBase.Network && (offset === 12 || offset === 16)
    const isVersion6 = base === PayloadBase.Network && (offset === 8 || offset === 24)
    if (isPort) this.#loaded = `${this.#protocol || 'th'} ${offset === 0 ? 'sport' : 'dport'}`
    else if (isVersion6 && (length ?? 0) > 4) this.#loaded = `ip6 ${offset === 8 ? 'saddr' : 'daddr'}`
    else if (isVersion4) this.#loaded = `ip ${offset === 12 ? 'saddr' : 'daddr'}`
    else
      this.#loaded = `@${base === PayloadBase.Network ? 'nh' : base === PayloadBase.Transport ? 'th' : 'll'},${(offset ?? 0) * 8},${(length ?? 0) * 8}`
  }

  #compare({ operation = 0, data }: ExpressionData<'cmp'>): void {
    const value = this.#value(data?.value)
    const isEqual = operation === CompareOperation.Equal
    if (this.#loaded === 'meta l4proto' && isEqual) this.#protocol = value
    this.words.push(`${this.#loaded} ${operators[operation] ?? '? '}${value}`)
  }

  #value(bytes: Uint8Array | undefined): string {
    if (bytes === undefined) return '?'
    if (this.#loaded === 'meta l4proto' && bytes.length === 1) return protocolName(bytes[0] ?? 0).toLowerCase()
    if (this.#loaded === 'meta nfproto') return FAMILY_NAMES[bytes[0] ?? 0] ?? hexOf(bytes)
    if (this.#loaded.endsWith('name')) return quoteText(Buffer.from(bytes).toString('utf8').replace(/\0+$/, ''))
    if (/port$/.test(this.#loaded)) return String(((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0))
    if (/addr( |$)/.test(this.#loaded) && (bytes.length === 4 || bytes.length === 16)) return formatAddress(bytes)
    if (/mark|skuid/.test(this.#loaded) && bytes.length === 4) return hostNumber(bytes)
    return hexOf(bytes)
  }

  #immediate({ data }: ExpressionData<'immediate'>): void {
    const verdict = data?.verdict
    if (verdict === undefined) return
    const known = Object.entries(RuleVerdict).find(([, code]) => code === verdict.code)
    const chain = verdict.chain === undefined ? '' : ` ${escapeText(verdict.chain)}`
    this.words.push(`${known?.[0].toLowerCase() ?? `verdict ${verdict.code}`}${chain}`)
  }
}

/** The xtables targets that replace the expressions queue and log on kernels that lack them. */
function targetText({ name = '', information }: ExpressionData<'target'>): string {
  try {
    if (name === 'NFQUEUE' && information !== undefined) return queueText(readQueueTarget(information))
    if (name === 'NFLOG' && information !== undefined) return logText(readLogTarget(information))
  } catch {
    // Another revision of the target: only its name is known.
  }
  return `xt target ${quoteText(name)}`
}

function logText({ group, prefix }: { group?: number | undefined; prefix?: string | undefined }): string {
  const text = prefix === undefined || prefix === '' ? '' : ` prefix ${quoteText(prefix)}`
  return `log${text}${group === undefined ? '' : ` group ${group}`}`
}

function queueText({ number = 0, total = 1, flags = 0 }: ExpressionData<'queue'>): string {
  const words = [
    (flags & RuleQueueFlag.Bypass) === 0 ? undefined : 'bypass',
    (flags & RuleQueueFlag.CpuFanout) === 0 ? undefined : 'fanout',
  ].filter((word) => word !== undefined)
  const last = total > 1 ? `-${number + total - 1}` : ''
  return `queue${words.length === 0 ? '' : ` flags ${words.join(',')}`} to ${number}${last}`
}

function hostNumber(bytes: Uint8Array): string {
  return String(new Uint32Array(bytes.slice().buffer)[0] ?? 0)
}

function hexOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '?' : `0x${Buffer.from(bytes).toString('hex')}`
}
