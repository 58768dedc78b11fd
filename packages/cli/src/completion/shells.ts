/** Completion scripts, made from the commands' descriptions. They are static: completing starts no Node. */
import { allOptions, type CommandDescription, type OptionDescription } from '../command-line/command.ts'

type Commands = readonly CommandDescription[]

/** For bash 3 and newer. */
export function bashCompletion(commands: Commands): string {
  const cases = commands.map((command) => {
    const { name, operands } = command
    const options = Object.entries(allOptions(command))
    const values = options.flatMap(([option, description]) => {
      const words = bashValues(description)
      return words === undefined ? [] : [`        --${option}) ${words}; return ;;`]
    })
    const choices = operands.flatMap((operand) => operand.choices ?? [])
    const words = [...options.map(([option]) => `--${option}`), ...choices].join(' ')
    const files = operands.some(({ file }) => file === true)
    return [
      `    ${name})`,
      '      case "$previous" in',
      ...values,
      '      esac',
      `      COMPREPLY=($(compgen -W "${words}" -- "$current"))`,
      ...(files ? ['      [[ $current == -* ]] || COMPREPLY+=($(compgen -f -- "$current"))'] : []),
      '      ;;',
    ].join('\n')
  })
  return `# bash completion of ringlink: source <(ringlink completion bash)
_ringlink() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${[...commands.map(({ name }) => name), '--help', '--version'].join(' ')}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
}
complete -o filenames -F _ringlink ringlink
`
}

/** The code that completes the value of an option; undefined for a flag. */
function bashValues({ value, choices, file }: OptionDescription): string | undefined {
  if (value === undefined) return undefined
  if (choices !== undefined) return `COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$current"))`
  return file === true ? 'COMPREPLY=($(compgen -f -- "$current"))' : 'COMPREPLY=()'
}

/** For zsh: a file `_ringlink` in a folder of `$fpath`. */
export function zshCompletion(commands: Commands): string {
  const names = commands.map(({ name, summary }) => `    ${zshQuote(`${name}:${summary.replaceAll(':', '\\:')}`)}`)
  const cases = commands.map((command) => {
    const options = Object.entries(allOptions(command)).map(([name, option]) => `        ${zshOption(name, option)}`)
    const operands = command.operands.map(({ name, choices, file, multiple }) => {
      const action = choices === undefined ? (file === true ? '_files' : ' ') : `(${choices.join(' ')})`
      return `        ${zshQuote(`${multiple === true ? '*' : ''}:${name}:${action}`)}`
    })
    return `    ${command.name})\n      _arguments -s \\\n${[...options, ...operands].join(' \\\n')}\n      ;;`
  })
  return `#compdef ringlink
_ringlink() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
${cases.join('\n')}
  esac
}
_ringlink "$@"
`
}

function zshOption(name: string, { summary, value, choices, file, multiple }: OptionDescription): string {
  const text = summary.replace(/[[\]\\:]/g, '\\$&')
  const repeated = multiple === true ? '*' : ''
  if (value === undefined) return zshQuote(`${repeated}--${name}[${text}]`)
  const action = choices === undefined ? (file === true ? '_files' : ' ') : `(${choices.join(' ')})`
  return zshQuote(`${repeated}--${name}[${text}]:${value.replace(/[\\:]/g, '\\$&')}:${action}`)
}

function zshQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** For fish: a file `ringlink.fish` in `~/.config/fish/completions`. */
export function fishCompletion(commands: Commands): string {
  // fish's own __fish_seen_subcommand_from takes an operand for a command if it has the name of one.
  const lines = [
    '# fish completion of ringlink',
    'function __ringlink_has_no_command; test (count (commandline -opc)) -eq 1; end',
    'function __ringlink_has_command; set -l words (commandline -opc); test "$words[2]" = $argv[1]; end',
    'complete -c ringlink -f',
    "complete -c ringlink -n __ringlink_has_no_command -l help -d 'print help'",
    "complete -c ringlink -n __ringlink_has_no_command -l version -d 'print the version'",
    ...commands.map(
      ({ name, summary }) => `complete -c ringlink -n __ringlink_has_no_command -a ${name} -d ${fishQuote(summary)}`,
    ),
  ]
  for (const command of commands) {
    const condition = `-n '__ringlink_has_command ${command.name}'`
    for (const [name, option] of Object.entries(allOptions(command))) {
      lines.push(`complete -c ringlink ${condition} -l ${name}${fishValue(option)} -d ${fishQuote(option.summary)}`)
    }
    for (const { choices, file } of command.operands) {
      if (choices !== undefined) lines.push(`complete -c ringlink ${condition} -a ${fishQuote(choices.join(' '))}`)
      if (file === true) lines.push(`complete -c ringlink ${condition} -F`)
    }
  }
  return `${lines.join('\n')}\n`
}

function fishValue({ value, choices, file }: OptionDescription): string {
  if (value === undefined) return ''
  if (choices !== undefined) return ` -x -a ${fishQuote(choices.join(' '))}`
  return file === true ? ' -r -F' : ' -x'
}

function fishQuote(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
