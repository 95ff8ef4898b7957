import { withoutErrnoText } from './errno-text.ts';

/**
 * The closed set of errors that callers branch on. Everything else stays a plain Error with a `cause`.
 * Texts never carry a raw errno phrase of a host problem: dockerd turns "no such file or directory" into exit code 127 and
 * "permission denied" into 126, as if the container's own command were at fault.
 */
export class KataError extends Error {
  /** Exit code of the process that ends with this error. */
  readonly exitCode: number = 1;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Wrong arguments on the command line. */
export class UsageError extends KataError {}

/** One key of the configuration and what is wrong with it. */
export interface ConfigurationProblem {
  /** Table and name of the key; empty when the problem does not belong to one key. */
  readonly key: string;
  readonly problem: string;
  /** `FILE:LINE:COLUMN`, if the value is written in a file. */
  readonly place?: string;
  /** The value, or the line, as written in the file. */
  readonly text?: string;
}

function problemText(path: string, { key, problem, place = path, text }: ConfigurationProblem): string {
  const subject = key === '' ? '' : `: ${key}${text === undefined ? '' : ` = ${text}`}`;
  const line = key === '' && text !== undefined && text !== '' ? ` in "${text}"` : '';
  return `${place}${subject}: ${problem}${line}`;
}

/** All problems of the configuration. `path` is the file of problems without a place. */
export class ConfigurationError extends KataError {
  readonly problems: readonly ConfigurationProblem[];
  /** One text for each problem. */
  readonly texts: readonly string[];
  constructor(path: string, problems: readonly ConfigurationProblem[]) {
    const texts = problems.map((problem) => problemText(path, problem));
    super(`configuration ${texts.join('; ')}`);
    this.problems = problems;
    this.texts = texts;
  }
}

/** `file`, which is config.json or a similar file, violates the OCI runtime specification. `field` is a path such as `process.args`. */
export class SpecError extends KataError {
  readonly field: string;
  constructor(field: string, problem: string, file = 'config.json') {
    super(`${file}: ${field}: ${problem}`);
    this.field = field;
  }
}

/** The operation is not allowed in the container's state. */
export class StateError extends KataError {}

export class ContainerNotFoundError extends KataError {
  constructor(id: string) {
    super(`Container ID (${id}) does not exist`);
  }
}

export class ContainerExistsError extends KataError {
  constructor(id: string) {
    super(`container ${id}: ID already in use, unique ID should be provided`);
  }
}

/** QEMU did not start, or has ended. `lastLogLines` are the last lines of its stderr. */
export class HypervisorError extends KataError {
  readonly lastLogLines: string;
  constructor(message: string, lastLogLines: string, options?: ErrorOptions) {
    const said = withoutErrnoText(lastLogLines);
    super(said === '' ? message : `${message}: ${said}`, options);
    this.lastLogLines = said;
  }
}

/** QEMU answered a QMP command with an error. `qmpClass` is QMP's error class, `GenericError` mostly. */
export class QmpError extends KataError {
  readonly qmpClass: string;
  constructor(command: string, qmpClass: string, description: string) {
    super(`QMP ${command}: ${withoutErrnoText(description)}`);
    this.qmpClass = qmpClass;
  }
}

/** The agent refused a request, or did not answer. `grpcCode` is the gRPC status code. */
export class AgentError extends KataError {
  readonly grpcCode: number;
  constructor(grpcCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.grpcCode = grpcCode;
  }
}

/** A Linux call failed. `code` is the errno name, as in Node's own errors. */
export class KernelError extends KataError {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  constructor(syscall: string, errno: number, code: string, detail: string) {
    super(`${syscall} ${detail} failed (${code})`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** An awaited event did not happen in time. */
export class TimeoutError extends KataError {
  constructor(awaited: string, timeoutMs: number) {
    super(`timed out after ${timeoutMs / 1000} s waiting for ${awaited}`);
  }
}
