/** The options of this package and their checks. */
import { either, instance, list, type Members, object, type Schema, schemaOf, text } from '@ringlink/codec/options'

/** A certificate or key: PEM text, or the path of a file with it. */
export interface NatsTls {
  /** the authorities that sign the server's certificate; default those of Node.js */
  readonly ca?: string | undefined
  /** the certificate of this program, for a server that asks for one; with `key` */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** A name and a password. */
export interface NatsPassword {
  readonly user: string
  readonly password: string
}

/** The connection to a NATS server, or to a cluster of them. */
export interface NatsServer {
  /** addresses: `nats://host:4222`, `tls://host`, or `host:port` */
  readonly servers: string | readonly string[]
  /**
   * path of a credentials file (`.creds`), a name and a password, or a token. Default: those of the address, or none
   */
  readonly credentials?: string | NatsPassword | { readonly token: string } | undefined
  /** default: as the server asks; needed for its own authority, or for a certificate of this program */
  readonly tls?: NatsTls | undefined
  /** name of this connection in the server's lists; default `ringlink` and the host name */
  readonly connectionName?: string | undefined
}

const address: Schema<string> = schemaOf(
  "the address of a NATS server ('nats://host:4222')",
  ['string'],
  (value: string, place) => {
    const problem = addressProblem(value)
    if (problem !== undefined)
      throw place.conflict(`must be the address of a NATS server, 'nats://host:4222': ${problem}`)
    return value
  },
)

const pem = text(1, 1 << 20)
const tls: Schema<NatsTls> = object<NatsTls>({ ca: pem, cert: pem, key: pem })
const isPassword = (value: object) =>
  ('user' in value && typeof value.user === 'string' && 'password' in value && typeof value.password === 'string') ||
  ('token' in value && typeof value.token === 'string')

/** The members of the options for a connection. */
export const serverMembers: Members<NatsServer> = {
  servers: { ...either(address, list(address, 1)), required: true },
  credentials: either(text(1, 4096), instance('{ user, password } or { token }', isPassword)),
  tls,
  connectionName: text(1, 255),
}

/** A name of a stream, of a consumer, or one part of a subject: no dots, blanks or wildcards. */
export const name: Schema<string> = schemaOf(
  'a name without dots, blanks, * and >',
  ['string'],
  (value: string, place) => {
    if (/^[^\s.*>/\\\p{Cc}]{1,255}$/u.test(value)) return value
    throw place.outOfRange('a name of 1 to 255 characters without dots, blanks, slashes, * and >', value)
  },
)

/** A subject without wildcards, to publish to. */
export const subject: Schema<string> = schemaOf('a subject', ['string'], (value: string, place) => {
  if (/^[^\s.*>\p{Cc}]+(\.[^\s.*>\p{Cc}]+)*$/u.test(value)) return value
  throw place.outOfRange('a subject without blanks and wildcards', value)
})

/** A subject that may have wildcards. */
export const subjectFilter: Schema<string> = schemaOf('a subject', ['string'], (value: string, place) => {
  if (/^(\*|>|[^\s.*>\p{Cc}]+)(\.(\*|>|[^\s.*>\p{Cc}]+))*$/u.test(value) && !/>./.test(value)) return value
  throw place.outOfRange('a subject, in which * stands for one name and a last > for the rest', value)
})

function addressProblem(value: string): string | undefined {
  const whole = value.includes('://') ? value : `nats://${value}`
  let url: URL
  try {
    url = new URL(whole)
  } catch {
    return `got '${value.replace(/\p{Cc}/gu, '?')}'`
  }
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:')
    return `its scheme must be nats or tls, got '${url.protocol.slice(0, -1)}'`
  if (url.hostname === '') return 'it has no host'
  if (url.pathname !== '' && url.pathname !== '/') return `it must end with the port, got '${url.pathname}'`
  return undefined
}
