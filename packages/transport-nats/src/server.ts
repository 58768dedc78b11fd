import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'
import { NatsError, type NatsErrorCode } from './errors.ts'
import type { NatsServer, NatsTls } from './options.ts'

/** Milliseconds to wait for an answer of the server. */
export const REQUEST_TIMEOUT = 5000
/** Milliseconds between two attempts to reach a server that is gone. */
const RECONNECT_WAIT = 250
/**
 * Milliseconds between two questions whether the server is alive, and unanswered ones after which the connection ends.
 */
const PING_INTERVAL = 5000
const MAXIMUM_PINGS = 2

/** Error codes of the JetStream API (server/errors.json of nats-server). */
const STREAM_NOT_FOUND = 10059
const STREAM_NOT_MATCHED = 10060
const NOT_ENABLED: ReadonlySet<number> = new Set([10039, 10076])
const RESOURCES_EXCEEDED: ReadonlySet<number> = new Set([10023, 10047, 10077, 10122])

/** Errors of the client for what the server does not allow. */
const REFUSALS: ReadonlySet<string> = new Set([
  'AuthorizationError',
  'UserAuthenticationExpiredError',
  'PermissionViolationError',
])

/** A connection to a server with JetStream. It reconnects by itself, for as long as it is open. */
export interface JetStreamServer {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
}

/** Connects. Rejects with codes `NATS_UNREACHABLE` and `NATS_REFUSED`, and the reason of the signal. */
export async function openServer(
  operation: string,
  options: NatsServer,
  signal?: AbortSignal,
): Promise<JetStreamServer> {
  signal?.throwIfAborted()
  const connection = await connectTo(operation, options)
  try {
    signal?.throwIfAborted()
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: REQUEST_TIMEOUT })
    return { connection, manager, client: jetstream(connection, { timeout: REQUEST_TIMEOUT }) }
  } catch (error) {
    await connection.close()
    throw error
  }
}

async function connectTo(operation: string, options: NatsServer): Promise<NatsConnection> {
  const { connectionName = `ringlink ${hostname()}` } = options
  const servers = [options.servers].flat()
  const settings: ConnectionOptions = {
    ...{ servers: servers.map(withoutPassword), name: connectionName, reconnect: true, maxReconnectAttempts: -1 },
    ...{ reconnectDelayHandler: reconnectDelays(), timeout: REQUEST_TIMEOUT },
    ...{ pingInterval: PING_INTERVAL, maxPingOut: MAXIMUM_PINGS, ignoreAuthErrorAbort: true },
  }
  const authenticator = authenticatorOf(operation, options, servers)
  if (authenticator !== undefined) settings.authenticator = authenticator
  if (options.tls !== undefined || servers.some((server) => server.startsWith('tls:'))) {
    settings.tls = tlsOf(operation, options.tls ?? {})
  }
  try {
    return await connect(settings)
  } catch (error) {
    throw explain(operation, error, `cannot connect to ${servers.map(withoutPassword).join(', ')}`)
  }
}

/**
 * Milliseconds that the client leaves between two attempts to reach a server. It compares them with the time of day,
 * and after a clock that went back it would wait until the time of its last attempt came again: an attempt that is due
 * by the monotonic clock is made at once.
 */
function reconnectDelays(): () => number {
  let attemptedAt = Number.NEGATIVE_INFINITY
  return () => {
    const delay = RECONNECT_WAIT * (1 + Math.random() / 2)
    if (performance.now() - attemptedAt < delay) return delay
    attemptedAt = performance.now()
    return Number.NEGATIVE_INFINITY
  }
}

function authenticatorOf(
  operation: string,
  { credentials }: NatsServer,
  servers: readonly string[],
): Authenticator | undefined {
  if (typeof credentials === 'string') {
    return authenticatorOfFile(operation, credentials)
  }
  if (credentials !== undefined) {
    return 'token' in credentials
      ? tokenAuthenticator(credentials.token)
      : usernamePasswordAuthenticator(credentials.user, credentials.password)
  }
  for (const server of servers) {
    const { username, password } = urlOf(server)
    if (username === '') continue
    const user = decodeURIComponent(username)
    return password === ''
      ? tokenAuthenticator(user)
      : usernamePasswordAuthenticator(user, decodeURIComponent(password))
  }
  return undefined
}

/** The client would find out that a file is damaged while it connects, and call that a connection that fails. */
function authenticatorOfFile(operation: string, path: string): Authenticator {
  const content = readFor(operation, 'credentials', path)
  try {
    const authenticator = credsAuthenticator(content)
    authenticator('a nonce')
    return authenticator
  } catch (error) {
    const problem = `the file of credentials ${path} must have a user JWT and an nkey seed: ${messageOf(error)}`
    throw new NatsError('NATS_REFUSED', operation, problem, { cause: error })
  }
}

function tlsOf(operation: string, { ca, cert, key }: NatsTls): NonNullable<ConnectionOptions['tls']> {
  const text = (what: string, value: string) =>
    value.includes('-----BEGIN') ? value : new TextDecoder().decode(readFor(operation, what, value))
  return {
    ...(ca === undefined ? {} : { ca: text('tls.ca', ca) }),
    ...(cert === undefined ? {} : { cert: text('tls.cert', cert) }),
    ...(key === undefined ? {} : { key: text('tls.key', key) }),
  }
}

function readFor(operation: string, what: string, path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new NatsError('NATS_REFUSED', operation, `cannot read the file of ${what}: ${problem}`, { cause: error })
  }
}

function urlOf(server: string): URL {
  return new URL(server.includes('://') ? server : `nats://${server}`)
}

/** As `host:port`, which an error may show. */
function withoutPassword(server: string): string {
  const { hostname: host, port } = urlOf(server)
  return `${host}:${port === '' ? '4222' : port}`
}

/** What an error of the NATS client means, with the code of this package. */
export function explain(operation: string, error: unknown, doing: string): NatsError {
  return explainAs(operation, error, doing, codeOf(error))
}

/** As {@link explain}, for a message that a stream should have taken. */
export function explainUnstored(operation: string, error: unknown, doing: string): NatsError {
  return explainAs(operation, error, doing, hasNoStream(error) ? 'STREAM_MISSING' : codeOf(error))
}

/** Nobody listens at the subject of a message that a stream should have taken. */
export function explainAbsence(operation: string, doing: string): NatsError {
  return new NatsError('STREAM_MISSING', operation, `${doing}: no stream takes it${ADVICE.STREAM_MISSING}`)
}

/** Nobody answered at the subject: no stream takes it, or there is no JetStream. */
export function hasNoStream(error: unknown): boolean {
  return error instanceof Error && error.name === 'JetStreamNotEnabled'
}

function explainAs(operation: string, error: unknown, doing: string, code: NatsErrorCode): NatsError {
  if (error instanceof NatsError) return error
  return new NatsError(code, operation, `${doing}: ${messageOf(error)}${ADVICE[code]}`, { cause: error })
}

const ADVICE: Readonly<Record<NatsErrorCode, string>> = {
  NATS_UNREACHABLE: ' (is nats-server running there, with JetStream?)',
  NATS_REFUSED: ' (check the credentials, and what they may publish and subscribe to)',
  STREAM_MISSING: ' (create it with createStream(), ringlink log --create-stream or the command nats)',
  STREAM_FULL: ' (raise its limits, or let it discard old messages)',
  CONSUMER_UNUSABLE: '',
  ENVELOPE_FOREIGN: '',
  ENVELOPE_VERSION: '',
  BYTE_ORDER: '',
}

function codeOf(error: unknown): NatsErrorCode {
  if (isApiError(error)) {
    if (error.code === STREAM_NOT_FOUND || error.code === STREAM_NOT_MATCHED) return 'STREAM_MISSING'
    if (RESOURCES_EXCEEDED.has(error.code) || /maximum (messages|bytes)|insufficient/.test(error.message))
      return 'STREAM_FULL'
    return NOT_ENABLED.has(error.code) ? 'NATS_UNREACHABLE' : 'CONSUMER_UNUSABLE'
  }
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (REFUSALS.has(cause.name) || isCertificateProblem(cause)) return 'NATS_REFUSED'
  }
  return 'NATS_UNREACHABLE'
}

/** By its name: two copies of the client have two classes. */
function isApiError(error: unknown): error is Error & { readonly code: number } {
  return (
    error instanceof Error &&
    /^(JetStreamApi|StreamNotFound|ConsumerNotFound)Error$/.test(error.name) &&
    'code' in error
  )
}

/**
 * Node.js names the problems of certificates by codes such as `DEPTH_ZERO_SELF_SIGNED_CERT` and
 * `ERR_TLS_CERT_ALTNAME_INVALID`.
 */
function isCertificateProblem(error: Error): boolean {
  return 'code' in error && /CERT|TLS|SSL|UNABLE_TO_VERIFY/.test(String(error.code))
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause.message : ''
  return cause === '' || cause === error.message ? error.message : `${error.message}: ${cause}`
}
