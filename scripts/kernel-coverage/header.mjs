// Reads the constants of a C header: the members of enums, and macros without parameters that are integers. Names and
// numbers only.

/**
 * The constants of a header, by the enum that has them; those of macros by '#define'. A number that is not told by the
 * header alone is undefined.
 * @param {string} text
 * @param {Map<string, number>} known what other headers define
 * @returns {Map<string, Map<string, number | undefined>>}
 */
export function headerConstants(text, known = new Map()) {
  const code = withoutComments(text)
  /** @type {Map<string, Map<string, number | undefined>>} */
  const groups = new Map()
  const values = new Map(known)
  const add = (group, name, value) => {
    if (!groups.has(group)) groups.set(group, new Map())
    if (!groups.get(group).has(name)) groups.get(group).set(name, value)
    if (value !== undefined && !values.has(name)) values.set(name, value)
  }
  // In the order of the text, because each may use what stands before it.
  const pattern = /^[ \t]*#[ \t]*define[ \t]+(\w+)(?!\()[ \t]+(\S.*)$|\benum\s*(\w*)\s*\{([^}]*)\}/gm
  for (const [, macro, expression = '', name, members] of code.matchAll(pattern)) {
    if (macro !== undefined) {
      const value = evaluate(expression, values)
      // Inside an enum a macro repeats a member; elsewhere one without a number is not a constant.
      if (value !== undefined) add('#define', macro, value)
    } else addEnum(name === '' ? 'enum' : `enum ${name}`, members, values, add)
  }
  return groups
}

function addEnum(group, members, values, add) {
  let next = 0
  const lines = members.replaceAll(/^[ \t]*#.*$/gm, '')
  for (const member of lines.split(',')) {
    const [, name, expression] = /^\s*(\w+)\s*(?:=\s*([\s\S]+))?$/.exec(member) ?? []
    if (name === undefined) continue
    const value = expression === undefined ? next : evaluate(expression.trim(), values)
    add(group, name, value)
    next = value === undefined ? undefined : value + 1
  }
}

function withoutComments(text) {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, ' ')
    .replaceAll(/\/\/[^\n]*/g, '')
    .replaceAll(/\\\n/g, ' ')
}

const LEVELS = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*']]
const OPERATIONS = {
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '&': (a, b) => a & b,
  '<<': (a, b) => a << b,
  '>>': (a, b) => a >> b,
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
}

/**
 * The value of a constant expression in C; undefined for what is not one of integers and known names.
 * @param {string} expression
 * @param {ReadonlyMap<string, number>} known
 * @returns {number | undefined}
 */
export function evaluate(expression, known) {
  const tokens = expression.match(/<<|>>|[-+*|&^~()]|\w+|\S/g) ?? []
  let position = 0
  function atom() {
    const token = tokens[position++]
    if (token === '(') {
      const value = level(0)
      return tokens[position++] === ')' ? value : undefined
    }
    if (token === '~' || token === '-') {
      const value = atom()
      return value === undefined ? undefined : BigInt.asIntN(64, token === '~' ? ~value : -value)
    }
    if (token === undefined) return undefined
    const digits = /^(0x[\da-f]+|\d+)(?:u|l|ul|ll|ull)?$/i.exec(token)
    if (digits !== null) return BigInt(/^0\d/.test(digits[1]) ? `0o${digits[1].slice(1)}` : digits[1])
    const value = known.get(token)
    return value === undefined ? undefined : BigInt(value)
  }
  function level(index) {
    if (index === LEVELS.length) return atom()
    let value = level(index + 1)
    while (value !== undefined && LEVELS[index].includes(tokens[position])) {
      const operation = OPERATIONS[tokens[position++]]
      const right = level(index + 1)
      value = right === undefined ? undefined : operation(value, right)
    }
    return value
  }
  const value = level(0)
  return value === undefined || position !== tokens.length ? undefined : Number(value)
}
