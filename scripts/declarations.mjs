// Declarations of all published packages, by one TypeScript program over their sources: types are checked once, and no
// package waits for another's declarations.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { filesBelow, root } from './workspace.mjs'

/** Writes dist/**.d.ts of the packages (`{ folder, manifest }`); throws if the sources have errors. */
export function buildDeclarations(packages) {
  const rootNames = packages.flatMap(({ folder }) =>
    filesBelow(join(root, folder, 'src'), (name) => name.endsWith('.ts')).map((name) =>
      join(root, folder, 'src', name),
    ),
  )
  const program = ts.createProgram({ rootNames, options: compilerOptions() })
  for (const { folder, manifest } of packages) buildPackage(program, folder, manifest)
}

function compilerOptions() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  return {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    types: ['node'],
    typeRoots: undefined,
  }
}

function buildPackage(program, folder, manifest) {
  const source = join(root, folder, 'src')
  const output = join(root, folder, 'dist')
  const vendored = new Set()
  const write = (path, text) => {
    const target = join(output, relative(source, path))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
  }
  for (const file of program.getSourceFiles()) {
    if (file.isDeclarationFile || relative(source, file.fileName).startsWith('..')) continue
    const transformers = { afterDeclarations: [rewriteImports(join(source), isBuildTimeOnly(manifest), vendored)] }
    const { diagnostics } = program.emit(file, write, undefined, true, transformers)
    const errors = [...diagnostics, ...program.getSemanticDiagnostics(file), ...program.getSyntacticDiagnostics(file)]
    if (errors.length > 0)
      throw new Error(
        ts.formatDiagnostics(errors, { ...ts.sys, getCanonicalFileName: (name) => name, getNewLine: () => '\n' }),
      )
  }
  for (const name of vendored) vendor(folder, name, output)
}

/** Packages that users do not install: their types become part of our declarations. */
function isBuildTimeOnly({
  dependencies = {},
  peerDependencies = {},
  optionalDependencies = {},
  devDependencies = {},
}) {
  const installed = { ...dependencies, ...peerDependencies, ...optionalDependencies }
  return (name) => name in devDependencies && !(name in installed)
}

/** Renames `./file.ts` to `./file.js`, and packages that are not installed to their copy in dist/vendor. */
function rewriteImports(source, isVendored, vendored) {
  return (context) => (file) => {
    const { factory } = context
    const rename = (specifier) => {
      const { text } = specifier
      if (text.startsWith('.')) return factory.createStringLiteral(text.replace(/\.ts$/, '.js'), true)
      if (!isVendored(text)) return specifier
      vendored.add(text)
      const path = relative(dirname(file.fileName), join(source, 'vendor', `${text}.js`))
      return factory.createStringLiteral(path.startsWith('.') ? path : `./${path}`, true)
    }
    const visit = (node) => {
      if (ts.isImportDeclaration(node)) {
        const { moduleSpecifier, attributes, modifiers } = node
        const clause = isVendored(moduleSpecifier.text) ? asNamespace(factory, node.importClause) : node.importClause
        return factory.updateImportDeclaration(node, modifiers, clause, rename(moduleSpecifier), attributes)
      }
      if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
        const { modifiers, isTypeOnly, exportClause, moduleSpecifier, attributes } = node
        return factory.updateExportDeclaration(
          node,
          modifiers,
          isTypeOnly,
          exportClause,
          rename(moduleSpecifier),
          attributes,
        )
      }
      if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
        const argument = factory.createLiteralTypeNode(rename(node.argument.literal))
        const typeArguments = node.typeArguments?.map((type) => ts.visitNode(type, visit))
        return factory.updateImportTypeNode(
          node,
          argument,
          node.attributes,
          node.qualifier,
          typeArguments,
          node.isTypeOf,
        )
      }
      return ts.visitEachChild(node, visit, context)
    }
    return ts.visitNode(file, visit)
  }
}

/** The default import of a CommonJS package is its whole namespace; of the copy, which is a module, that is `* as`. */
function asNamespace(factory, clause) {
  return factory.createImportClause(clause.isTypeOnly, undefined, factory.createNamespaceImport(clause.name))
}

/** Copies the declarations of a package that users do not install, with its licence. */
function vendor(folder, name, output) {
  const require = createRequire(join(root, folder, 'package.json'))
  const manifestPath = require.resolve(`${name}/package.json`)
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'))
  const types = readFileSync(join(dirname(manifestPath), manifest.types), 'utf8')
  const license = readFileSync(join(dirname(manifestPath), 'LICENSE'), 'utf8').trim()
  mkdirSync(join(output, 'vendor'), { recursive: true })
  const header = `/*\n${name} ${manifest.version}\n\n${license}\n*/\n`
  writeFileSync(join(output, 'vendor', `${name}.d.ts`), header + types)
}
