/** The bash completion of kata-runtime, written from its own tables so that it cannot fall behind them. Pure. */
import { Command } from 'commander';
import { globalCommand } from '../../packages/runtime/src/cli/global-options.ts';
import { verbTable } from '../../packages/runtime/src/cli/verb-table.ts';

/** Verbs whose arguments are ids of containers. */
const takesContainers = [
  'delete',
  'events',
  'exec',
  'kata-logs',
  'kata-oom',
  'kata-overhead',
  'kata-shell',
  'kill',
  'pause',
  'ps',
  'resume',
  'start',
  'state',
  'update',
];
/** Words that the first argument of a verb can be. */
const actions: Readonly<Record<string, string>> = {
  factory: 'init status prune destroy',
  'kata-network': 'add-iface del-iface list-ifaces list-routes sync update-routes',
};

const longOptions = (command: Command): string[] => command.options.flatMap(({ long }) => long ?? []).sort();
const wantsValue = (command: Command): string[] =>
  command.options.flatMap(({ long, required }) => (required && long !== undefined ? [long] : []));

interface Row {
  readonly name: string;
  readonly command: Command;
}

async function describeVerbs(): Promise<Row[]> {
  const rows = Object.entries(verbTable).map(async ([name, entry]): Promise<Row> => {
    const command = new Command(name);
    (await entry.load()).describe(command);
    return { name, command };
  });
  return Promise.all(rows);
}

function optionCase({ name, command }: Row): string {
  return `    ${name}) options="${[...longOptions(command), '--help'].join(' ')}" ;;`;
}

function valueWords(rows: readonly Row[]): string {
  return [...new Set([...wantsValue(globalCommand()), ...rows.flatMap(({ command }) => wantsValue(command))])].sort().join(' | ');
}

export async function completionScript(): Promise<string> {
  const rows = await describeVerbs();
  const actionCases = Object.entries(actions).map(([verb, args]) => `    ${verb}) words="${args}" ;;`);
  return `# bash completion for kata-runtime. Written by packaging/completion/write.ts: do not edit.

_kata_runtime() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local verb='' options='' words='' index
  COMPREPLY=()

  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
    --kata-config | --log | --log-format | --root | --rootless | --criu) ((index++)) ;;
    -*) ;;
    *)
      verb=\${COMP_WORDS[index]}
      break
      ;;
    esac
  done

  case $previous in
  --log-format) COMPREPLY=($(compgen -W 'text json' -- "$current")) && return ;;
  --format | -f) COMPREPLY=($(compgen -W 'table json' -- "$current")) && return ;;
  --bundle | -b | --root) COMPREPLY=($(compgen -d -- "$current")) && return ;;
  ${valueWords(rows)})
    COMPREPLY=($(compgen -f -- "$current"))
    return
    ;;
  esac

  case $verb in
    '') options="${longOptions(globalCommand()).join(' ')} --help" words="${rows.map(({ name }) => name).join(' ')} help" ;;
${rows.map(optionCase).join('\n')}
  esac
  case $verb in
    ${takesContainers.join(' | ')}) [[ $current == -* ]] || words=$(kata-runtime list --quiet 2>/dev/null) ;;
${actionCases.join('\n')}
  esac

  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}

complete -F _kata_runtime kata-runtime
`;
}
