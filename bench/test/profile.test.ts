import { describe, expect, it } from 'vitest'
import { flameGraph } from '../src/profile/flame-graph.ts'
import { hottest, sharesOf, treeOf } from '../src/profile/stacks.ts'

/** Four samples as perf prints them: two in the kernel and two in JavaScript. */
const STACKS = `node
	ffffffff81000010 netlink_sendmsg ([kernel.kallsyms])
	    7f0000001000 __libc_sendto (/usr/lib/x86_64-linux-gnu/libc.so.6)
	    7f0000002000 outbox_flush (/project/build/Release/ringlink.node)
	    7f0000003000 JS:*flush file:///project/dist/index.js:10:5 (/tmp/perf-77.map)
	          400000 v8::internal::(anonymous namespace)::Invoke(v8::Isolate*) (/usr/bin/node)

node
	ffffffff81000020 netlink_recvmsg ([kernel.kallsyms])
	    7f0000002100 receive (/project/build/Release/ringlink.node)
	               0 [unknown] ([unknown])

node
	    7f0000003010 JS:~ file:///project/dist/handlers/a&b.js:3:1 (/tmp/perf-77.map)
	          400000 v8::internal::(anonymous namespace)::Invoke(v8::Isolate*) (/usr/bin/node)

node
	          400100 Builtins_RunMicrotasks (/usr/bin/node)
`

describe('a profile', () => {
  const tree = treeOf(STACKS)

  it('joins the stacks that begin alike', () => {
    expect(tree.samples).toBe(4)
    const invoke = [...tree.children.values()].find(({ frame }) => frame.name.includes('Invoke'))
    expect(invoke?.samples).toBe(2)
    expect([...(invoke?.children.values() ?? [])].map(({ frame }) => frame.name)).toEqual([
      'flush index.js:10',
      '(anonymous) a&b.js:3',
    ])
  })

  it('says who ran: the innermost frame', () => {
    expect(sharesOf(tree)).toEqual({ kernel: 0.5, addon: 0, native: 0, javascript: 0.5 })
    expect(hottest(tree, 1)).toEqual([{ frame: { name: 'netlink_sendmsg', kind: 'kernel' }, share: 0.25 }])
  })

  it('is drawn with every frame, and names are escaped', () => {
    const svg = flameGraph(tree, 'drain <all>', sharesOf(tree))
    expect(svg).toContain('drain &lt;all&gt;, 4 samples')
    expect(svg).toContain('<title>(anonymous) a&amp;b.js:3 (JavaScript), 25.0 %</title>')
    expect(svg).toContain("<title>receive (ringlink's addon), 25.0 %</title>")
    expect(svg).not.toContain('[unknown]')
    expect(svg.match(/<rect/g)).toHaveLength(1 + 4 + 10)
  })

  it('leaves out what is too narrow to be seen', () => {
    const many = treeOf(`${Array.from({ length: 3000 }, () => STACKS.split('\n\n')[1]).join('\n\n')}\n\n${STACKS}`)
    expect(flameGraph(many, 'many', sharesOf(many))).not.toContain('RunMicrotasks')
  })
})
