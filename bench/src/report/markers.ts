/**
 * Puts generated text into a document between `<!-- generated: NAME -->` and `<!-- end: NAME -->` and leaves everything
 * else unchanged, also a section without new text. Throws an Error for text without a section.
 */
export function fillMarkers(document: string, sections: ReadonlyMap<string, string>): string {
  let filled = document
  for (const [name, text] of sections) {
    const begin = `<!-- generated: ${name} -->`
    const end = `<!-- end: ${name} -->`
    const from = filled.indexOf(begin)
    const to = filled.indexOf(end)
    if (from < 0 || to < from) throw new Error(`the document has no place for ${name}: ${begin} … ${end}`)
    filled = `${filled.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${filled.slice(to)}`
  }
  return filled
}
