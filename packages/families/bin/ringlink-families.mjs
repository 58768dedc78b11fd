#!/usr/bin/env node
// The command of dist/, in a file that a checkout has before it is built: a package manager links it when it installs.
import '../dist/generate/main.js'
