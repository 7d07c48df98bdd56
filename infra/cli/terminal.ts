import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

/** Colours a text, or leaves it as it is. */
export type Paint = (format: Style, text: string) => string;

/** Where a command writes. Results go to `out`; everything that tells how things go on goes to `note`. */
export interface Terminal {
  /** A line of the result, on standard output. */
  out(line?: string): void;
  /** A line about progress: standard output, or standard error when standard output is for a script. */
  note(line?: string): void;
  /** Colours a text for the stream of `note` and `out`; plain when that is not a terminal or `NO_COLOR` is set. */
  style: Paint;
  /** The stream of `note`. */
  readonly stream: NodeJS.WriteStream;
  /** True when `stream` is a terminal on which lines may be redrawn. */
  readonly live: boolean;
  /** Width in characters. */
  columns(): number;
}

export interface TerminalOptions {
  /** Standard output is read by a script: progress goes to standard error. @default false */
  json?: boolean;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
}

export function openTerminal({ json = false, env = process.env }: TerminalOptions = {}): Terminal {
  const stream = json ? process.stderr : process.stdout;
  const interactive = stream.isTTY && env['TERM'] !== 'dumb';
  const coloured = wantsColour(env) ?? interactive;
  return {
    out: (line = '') => void process.stdout.write(`${line}\n`),
    note: (line = '') => void stream.write(`${line}\n`),
    style: (format, text) => (coloured ? styleText(format, text, { validateStream: false }) : text),
    stream,
    live: interactive && !env['CI'],
    columns: () => stream.columns || 100,
  };
}

/** https://no-color.org and https://force-color.org: a set, non-empty variable decides. */
function wantsColour(env: NodeJS.ProcessEnv): boolean | undefined {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR']) return env['FORCE_COLOR'] !== '0';
  return undefined;
}

/**
 * Text that a model, a user or a database wrote, made safe for a terminal: control characters (which could move the
 * cursor, change the title or hide text) are shown as escapes.
 */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    if (character === '\r') return '\\r';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
