import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { allOptions } from '../../src/command-line/command.ts'
import { descriptions } from '../../src/descriptions.ts'
import { manualPage } from '../../src/manual/page.ts'

const page = manualPage(descriptions, '1.2.3')

test('has every command, option and example', () => {
  for (const command of descriptions) {
    expect(page).toContain(`ringlink ${command.name}`)
    for (const option of Object.keys(allOptions(command)))
      expect(page).toContain(`\\-\\-${option.replaceAll('-', '\\-')}`)
    for (const { what } of command.examples)
      expect(page).toContain(what.replaceAll('-', '\\-').replaceAll("'", '\\(aq'))
  }
})

test('is read by groff without a warning', ({ skip }) => {
  const { error, stderr } = spawnSync('groff', ['-man', '-ww', '-z'], { input: page, encoding: 'utf8' })
  if (error !== undefined) skip('groff is not installed')
  expect(stderr).toBe('')
})
