// Loads the watched addon (RINGLINK_WATCHED_ADDON) in place of the one that was compiled here, in every process of a test run.
const { join } = require('node:path')

const watched = process.env.RINGLINK_WATCHED_ADDON
const compiled = join(__dirname, '..', '..', 'packages', 'native', 'build', 'Release', 'ringlink.node')
const { dlopen } = process
process.dlopen = (module, filename, ...flags) =>
  dlopen.call(process, module, filename === compiled ? watched : filename, ...flags)
