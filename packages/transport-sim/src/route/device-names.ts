/** Names of devices, as `dev_get_valid_name` finds them. */
import { Errno } from '@ringlink/codec'

/** `IFNAMSIZ` */
const NAME_SIZE = 16

/** Whether a device may have that name (`dev_valid_name`). */
function isValidName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || new TextEncoder().encode(name).length >= NAME_SIZE) return false
  return !/[/:\s]/.test(name)
}

/** The name that a new device gets: with `%d` the lowest number that is free. Else a negative errno. */
export function chooseName(wanted: string, isTaken: (name: string) => boolean): string | number {
  if (!isValidName(wanted)) return -Errno.EINVAL
  const at = wanted.indexOf('%')
  if (at < 0) return isTaken(wanted) ? -Errno.EEXIST : wanted
  if (wanted[at + 1] !== 'd' || wanted.includes('%', at + 2)) return -Errno.EINVAL
  for (let number = 0; ; number++) {
    const name = `${wanted.slice(0, at)}${number}${wanted.slice(at + 2)}`
    if (!isTaken(name)) return isValidName(name) ? name : -Errno.EINVAL
  }
}
