import { afterEach, expect, test, vi } from 'vitest'
import { Progress } from '../../src/terminal/progress.ts'

function terminal(isTTY: boolean) {
  const written: string[] = []
  const stream = { isTTY, columns: 20, write: (text: string) => written.push(text) > 0 }
  return { written, stream: stream as unknown as NodeJS.WriteStream }
}

const clock = vi.spyOn(performance, 'now')
afterEach(() => clock.mockReset())

test('shows nothing of what is done soon', () => {
  const { written, stream } = terminal(true)
  clock.mockReturnValue(1000)
  const progress = new Progress(stream)
  clock.mockReturnValue(1499)
  progress.update(() => 'half')
  progress.stop()
  expect(written).toEqual([])
})

test('shows a line, cut to the terminal, five times a second, and takes it away', () => {
  const { written, stream } = terminal(true)
  clock.mockReturnValue(1000)
  const progress = new Progress(stream)
  for (const [time, text] of [
    [1500, 'reading: 10 %, a long line'],
    [1699, 'reading: 11 %'],
    [1700, 'reading: 12 %'],
  ] as const) {
    clock.mockReturnValue(time)
    progress.update(() => text)
  }
  progress.stop()
  progress.stop()
  expect(written).toHaveLength(3)
  expect(written[0]?.replace('\r\x1b[K', '').length).toBeLessThan(20)
  expect(written[1]).toBe('\r\x1b[Kreading: 12 %')
  expect(written[2]).toBe('\r\x1b[K')
})

test('shows nothing without a terminal', () => {
  const { written, stream } = terminal(false)
  clock.mockReturnValue(1000)
  const progress = new Progress(stream)
  clock.mockReturnValue(9000)
  progress.update(() => 'half')
  progress.stop()
  expect(written).toEqual([])
})
