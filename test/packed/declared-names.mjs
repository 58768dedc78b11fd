// Copied into an outside project: compares what the declarations of installed packages export as values with what they
// export.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const entries = process.argv.slice(2).flatMap((name) => {
  const { exports = {} } = JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'))
  return Object.entries(exports)
    .filter(([, target]) => target.types)
    .map(([path]) => join(name, path))
})
const module = ts.ModuleKind.NodeNext
const host = ts.createCompilerHost({})
const resolved = entries.map((entry) => {
  const options = { module, moduleResolution: ts.ModuleResolutionKind.NodeNext }
  const from = join(process.cwd(), 'index.mts')
  const { resolvedModule } = ts.resolveModuleName(
    entry,
    from,
    options,
    host,
    undefined,
    undefined,
    ts.ModuleKind.ESNext,
  )
  if (resolvedModule === undefined) throw new Error(`${entry} does not resolve`)
  return resolvedModule.resolvedFileName
})
const program = ts.createProgram(resolved, {
  module,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
})
const checker = program.getTypeChecker()

let count = 0
const problems = []
for (const [index, entry] of entries.entries()) {
  const symbol = checker.getSymbolAtLocation(program.getSourceFile(resolved[index]))
  const declared = checker
    .getExportsOfModule(symbol)
    .filter(isValue)
    .map(({ name }) => name)
  // The entry for test suites brings vitest, which only runs inside of itself.
  if (declared.length === 0) problems.push(`${entry} declares no value`)
  const real = Object.keys(
    await import(entry).catch((error) => {
      if (/vitest/i.test(error.message)) return {}
      throw error
    }),
  )
  if (real.length === 0) continue
  count += declared.length
  problems.push(
    ...declared.filter((name) => !real.includes(name)).map((name) => `${entry} declares ${name}, which does not exist`),
  )
  problems.push(
    ...real.filter((name) => !declared.includes(name)).map((name) => `${entry} has ${name}, which is not declared`),
  )
}
if (problems.length > 0) throw new Error(problems.join('\n'))
console.log(`${count} values of ${entries.length} entries`)

/** A type-only export (`export type { Memory }` of a class) declares no value. */
function isValue(symbol) {
  if (symbol.declarations?.some((declaration) => ts.isTypeOnlyImportOrExportDeclaration(declaration))) return false
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  return (target.flags & ts.SymbolFlags.Value) !== 0
}
