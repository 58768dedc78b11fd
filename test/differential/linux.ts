import { release } from 'node:os'
import type { LinuxVersion } from '@ringlink/transport-sim'

const known: readonly LinuxVersion[] = ['6.1', '6.12', '6.18']

/** The Linux of this machine, if a simulated kernel can be like it. */
export const linux: LinuxVersion | undefined = known.find((version) => release().startsWith(`${version}.`))
