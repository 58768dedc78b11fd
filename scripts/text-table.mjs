// Tables as text.

/** A table in Markdown as the formatter has it: columns of one width. The first row has the titles. */
export function markdownTable(rows) {
  const widths = widthsOf(rows)
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  const [titles, ...others] = rows
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n')
}

/** Lines of aligned columns: the first `texts` to the left, the others, of numbers, to the right. */
export function alignedLines(rows, texts) {
  const widths = widthsOf(rows)
  const cellText = (cell, column) => (column < texts ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))
  return rows.map((row) => row.map(cellText).join('  ').trimEnd())
}

function widthsOf(rows) {
  return rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
}
