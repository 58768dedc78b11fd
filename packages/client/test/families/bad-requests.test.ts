/** Requests of families that are wrong: each is refused by a code, and nothing is sent. */
import { isNetlinkError } from '@ringlink/codec'
import { rtLink } from '@ringlink/families/rt-link'
import { SimKernel } from '@ringlink/transport-sim'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NetlinkFamily, openFamily } from '../../src/index.ts'

describe('what is wrong is refused before it is sent', () => {
  const kernel = new SimKernel()
  let links: NetlinkFamily<typeof rtLink>
  let sent = 0

  beforeAll(async () => {
    links = await openFamily(rtLink, { transport: (needs) => kernel.open(needs) })
    const { outbox } = links.transport
    const flush = outbox.flush.bind(outbox)
    outbox.flush = (...given) => {
      sent++
      return flush(...given)
    }
  })
  afterAll(() => links.close())

  /** The error of a call, which must have sent nothing. */
  async function errorOf(call: () => Promise<unknown>): Promise<{ code: string; message: string }> {
    sent = 0
    try {
      await call()
    } catch (error) {
      expect(sent).toBe(0)
      if (isNetlinkError(error)) return error
      throw error
    }
    throw new Error('nothing was refused')
  }
  const given = (request: unknown) => () => links.do('getlink', request as object)

  test.each([
    [null, 'attributes must be an object, got null'],
    [5, 'attributes must be an object, got 5 (number)'],
    [[], 'attributes must be an object, got an array'],
    [new Map([['ifname', 'lo']]), 'attributes must be an object, got a Map'],
    [new Date(0), 'attributes must be an object, got a Date'],
    [new Uint8Array(4), 'attributes must be an object, got a Uint8Array'],
    [Promise.resolve({}), 'attributes must be an object, got a Promise'],
    [{ header: new Set() }, 'header must be an object, got a Set'],
    [{ linkinfo: new Map() }, 'linkinfo must be an object, got a Map'],
  ])('the request %o', async (request, message) => {
    expect(await errorOf(given(request))).toMatchObject({ code: 'VALUE_RANGE', message })
  })

  test.each([
    ['getlnk', 'ATTRIBUTE_UNKNOWN', 'rt-link has no operation "getlnk"; did you mean "getlink"?'],
    ['toString', 'ATTRIBUTE_UNKNOWN', 'rt-link has no operation "toString"'],
    ['get\u0007', 'ATTRIBUTE_UNKNOWN', 'rt-link has no operation "get\\u{7}"'],
    [undefined, 'VALUE_RANGE', 'operation of rt-link must be a string, got undefined'],
    [5, 'VALUE_RANGE', 'operation of rt-link must be a string, got 5'],
    [Symbol('x'), 'VALUE_RANGE', 'operation of rt-link must be a string, got a symbol'],
  ])('the operation %s', async (name, code, message) => {
    for (const call of [
      () => links.do(name as 'getlink'),
      () => links.dump(name as 'getlink'),
      () => links.rows(name as 'getlink').next(),
    ]) {
      const error = await errorOf(call)
      expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
    }
  })

  test.each([
    ['lnk', 'ATTRIBUTE_UNKNOWN', 'rt-link has no group "lnk"; did you mean "link"?'],
    [5, 'VALUE_RANGE', 'group of rt-link must be a string, got 5'],
    [undefined, 'VALUE_RANGE', 'group of rt-link must be a string, got undefined'],
  ])('the group %s', async (group, code, message) => {
    const call = () => links.subscribe(group as 'link').next()
    expect(await errorOf(call)).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test.each([
    [
      { flags: 'create' },
      'ARGUMENT',
      "do rt-link getlink: flags must be an integer from 0 to 65535, got 'create' (string)",
    ],
    [{ flags: 1.5 }, 'VALUE_RANGE', 'do rt-link getlink: flags must be an integer from 0 to 65535, got 1.5'],
    [{ flags: -1 }, 'VALUE_RANGE', 'do rt-link getlink: flags must be an integer from 0 to 65535, got -1'],
    [{ flags: 70_000 }, 'VALUE_RANGE', 'do rt-link getlink: flags must be an integer from 0 to 65535, got 70000'],
    [{ flag: 1 }, 'ARGUMENT', 'do rt-link getlink: unknown key flag'],
    [{ timeout: 'soon' }, 'ARGUMENT', 'do rt-link getlink: timeout must be a number'],
    [5, 'ARGUMENT', 'do rt-link getlink: '],
    [null, 'ARGUMENT', 'do rt-link getlink: '],
  ])('the options %o', async (options, code, message) => {
    const call = () => links.do('getlink', { ifname: 'lo' }, options as object)
    expect(await errorOf(call)).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('anything', async () => {
    const value = fc.anything({ withMap: true, withSet: true, withDate: true, withTypedArray: true, withBigInt: true })
    const property = fc.asyncProperty(
      value.filter((it) => it !== undefined),
      fc.constantFrom('', 'ifname', 'mtu', 'address', 'linkinfo', 'header', 'unknown', 'propList', 'stats64'),
      async (it, name) => {
        const request = name === '' ? it : { ifname: 'lo', [name]: it }
        try {
          await links.do('getlink', request as object)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(VALUE_RANGE|ATTRIBUTE_UNKNOWN|KERNEL)$/) })
        }
      },
    )
    await fc.assert(property)
  })
})
