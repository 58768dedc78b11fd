export interface Description {
  readonly file: string
  readonly number: number | undefined
}
export function describedConstants(root: string, folders: readonly string[]): Map<string, Description>
export function constantsIn(text: string): [name: string, number: number | undefined][]
export function answersIn(text: string): number[]
