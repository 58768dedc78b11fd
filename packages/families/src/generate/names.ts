/** Names of specifications in the style of the code, and the kernel's. */

const reserved = /^\d/

/** `linkInfo` of `link-info`. */
export function camelCase(name: string): string {
  const pascal = pascalCase(name)
  return pascal.charAt(0).toLowerCase() + pascal.slice(1)
}

/** `LinkInfo` of `link-info`; a part that begins with a digit follows a `_`, so that the parts can be told again. */
export function pascalCase(name: string): string {
  const parts = name.split(/[^A-Za-z0-9]+/).filter((part) => part !== '')
  return parts
    .map((part, index) =>
      index > 0 && reserved.test(part) ? `_${part}` : part.charAt(0).toUpperCase() + part.slice(1),
    )
    .join('')
}

/** `IFLA_MTU` of `ifla-mtu`. */
export function kernelCase(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}

/** A name as the key of an object. */
export function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`
}

/** Text in single quotes. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
}

/** A name that is not among those taken; it is then. */
export function unused(name: string, taken: Set<string>): string {
  let free = name
  for (let count = 2; taken.has(free); count++) free = `${name}${count}`
  taken.add(free)
  return free
}
