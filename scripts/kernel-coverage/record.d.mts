/** constants by header and enum */
export type Headers = Map<string, Map<string, Map<string, number | undefined>>>
export interface Recorded {
  readonly version: string
  readonly headers: Headers
}
export function installedVersion(folder?: string): string | undefined
export function installedHeaders(names: readonly string[], folder?: string): Headers
export function formatRecord(recorded: Recorded): string
export function parseRecord(text: string): Recorded
