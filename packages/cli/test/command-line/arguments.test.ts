import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asksForHelp, readArguments } from '../../src/command-line/arguments.ts'
import { allOptions } from '../../src/command-line/command.ts'
import { UsageError } from '../../src/command-line/values.ts'
import { descriptions } from '../../src/descriptions.ts'

const commands = fc.constantFrom(...descriptions)

test('reads any words, or refuses them with a mistake of the user', () => {
  fc.assert(
    fc.property(commands, fc.array(fc.string({ unit: 'binary' })), (command, words) => {
      asksForHelp(words)
      try {
        readArguments(command, words)
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        expect((error as Error).message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
      }
    }),
  )
})

test('returns every option as given', () => {
  const given = commands.chain((command) => {
    const options = Object.entries(allOptions(command)).filter(([name]) => name !== 'help')
    return fc.tuple(fc.constant(command), fc.subarray(options), fc.string({ minLength: 1, maxLength: 9 }))
  })
  fc.assert(
    fc.property(given, ([command, options, value]) => {
      const words = options.flatMap(([name, option]) =>
        option.value === undefined ? [`--${name}`] : [`--${name}=${value}`],
      )
      const { values, operands } = readArguments(command, words)
      expect(operands).toEqual([])
      for (const [name, option] of options) {
        const expected = option.value === undefined ? true : option.multiple === true ? [value] : value
        expect(values[name]).toEqual(expected)
      }
    }),
  )
})
