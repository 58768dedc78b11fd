// Marks what a module computes when it is loaded as free of side effects, which package.json says of the whole package
// (`"sideEffects": false`) and a bundler cannot see by itself once modules have been joined in one file: of a bundle it
// then takes the tables and classes that are used, as it would take the files.
import { readFileSync } from 'node:fs'
import ts from 'typescript'

/** An esbuild plugin for packages with `"sideEffects": false`. */
export const markPure = {
  name: 'mark-pure',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: markInitializers(readFileSync(path, 'utf8')),
      loader: 'ts',
    }))
  },
}

/**
 * The source with the initial value of every top-level constant and static field that is computed wrapped in a call
 * that is marked pure. Lines stay where they are, so source maps stay exact to the line.
 */
export function markInitializers(source) {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS)
  const marked = file.statements.flatMap(initializers).filter(isComputed)
  let result = ''
  let end = 0
  for (const { pos, node } of marked.map((node) => ({ pos: node.getStart(file), node }))) {
    result += `${source.slice(end, pos)}/* @__PURE__ */ (() => (${source.slice(pos, node.end)}))()`
    end = node.end
  }
  return result + source.slice(end)
}

function initializers(statement) {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ initializer }) => initializer ?? [])
  if (!ts.isClassDeclaration(statement)) return []
  const isStatic = (member) => ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)
  return statement.members.flatMap((member) =>
    ts.isPropertyDeclaration(member) && isStatic(member) ? (member.initializer ?? []) : [],
  )
}

/** Whether evaluating it calls something or reads a property. */
function isComputed(node) {
  if (ts.isFunctionLike(node) || ts.isClassLike(node) || ts.isTypeNode(node)) return false
  if (ts.isCallExpression(node) || ts.isNewExpression(node) || ts.isPropertyAccessExpression(node)) return true
  if (ts.isElementAccessExpression(node) || ts.isSpreadElement(node) || ts.isSpreadAssignment(node)) return true
  if (ts.isBinaryExpression(node) && !isLiteral(node.left) && !isLiteral(node.right)) return true
  return ts.forEachChild(node, isComputed) ?? false
}

function isLiteral(node) {
  return ts.isNumericLiteral(node) || ts.isStringLiteral(node)
}
