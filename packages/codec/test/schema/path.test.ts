import { loadVector, memoryWith } from '@ringlink/test-support/vectors'
import { describe, expect, test } from 'vitest'
import {
  attributeSet,
  ErrorView,
  list,
  MessageView,
  nested,
  queueAttributes,
  queueConfigAttributes,
  text,
} from '../../src/index.ts'
import { attributePath } from '../../src/schema/path.ts'
import { OFFSET, writing } from './writing.ts'

describe('the path to a byte', () => {
  test.each([
    ['control-extack-policy', queueConfigAttributes, ['NFQA_CFG_QUEUE_MAXLEN']],
    ['control-extack-message-offset', queueAttributes, ['NFQA_VERDICT_HDR']],
    [
      'control-extack-offset',
      attributeSet('NFTA_TABLE', { name: text(1, 'NFTA_TABLE_NAME', 255) }),
      ['NFTA_TABLE_NAME'],
    ],
    [
      'control-extack-offset-nested',
      attributeSet('ETHTOOL_A_LINKINFO', {
        header: nested(
          1,
          'ETHTOOL_A_LINKINFO_HEADER',
          attributeSet('ETHTOOL_A_HEADER', { device: text(2, 'ETHTOOL_A_HEADER_DEV_NAME', 15) }),
        ),
      }),
      ['ETHTOOL_A_LINKINFO_HEADER', 'ETHTOOL_A_HEADER attribute 3'],
    ],
  ] as const)('%s', (name, set, path) => {
    const { bytes: frame } = loadVector('queue', name)
    const memory = memoryWith(frame, OFFSET)
    const error = new ErrorView().wrap(new MessageView().wrap(memory, OFFSET, frame.length))
    const at = error.requestOffset + (error.extendedAck()?.offset as number)
    const start = error.requestOffset + 20
    expect(attributePath(set, memory, start, error.requestLength - 20, at)).toEqual(path)
  })

  test('goes into lists, stops in padding, and is empty outside', () => {
    const set = attributeSet('T', { name: text(2, 'T_NAME', 8), items: list(1, 'T_LIST', queueConfigAttributes) })
    const { memory, writer } = writing(set, { name: '', items: [{ mask: 1 }, { flags: 2 }] })
    const path = (at: number) => attributePath(set, memory, OFFSET, writer.end - OFFSET, OFFSET + at)
    expect(path(0)).toEqual(['T_NAME'])
    expect(path(4)).toEqual(['T_NAME'])
    expect(path(5)).toEqual([])
    expect(path(8)).toEqual(['T_LIST'])
    expect(path(16)).toEqual(['T_LIST', 'NFQA_CFG_MASK'])
    expect(path(32)).toEqual(['T_LIST', 'NFQA_CFG_FLAGS'])
    expect(path(-1)).toEqual([])
    expect(path(4000)).toEqual([])
  })
})
