/**
 * How a model wants to be talked to: its chat template (Jinja, from tokenizer_config.json or chat_template.jinja), or the
 * plain form of base models when it has none.
 */
import { createContext, Script } from 'node:vm';
import { Template } from '@huggingface/jinja';
import { RZeroError } from '../errors.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatFormat {
  /** False for the plain form. */
  readonly template: boolean;
  /** The text after which the model answers. @throws RZeroError `ModelUnreadable` when the template refuses the messages */
  render(messages: readonly ChatMessage[]): string;
}

/** Templates ask for today's date, Llama 3's among them; a prompt must be the same tomorrow. This is their own default. */
const DATE = '26 Jul 2024';
/** The library has a clock and a `range` of its own, which only the template can put out of sight. */
const PRELUDE = `{% macro strftime_now(format) %}${DATE}{% endmacro %}{% set range = bounded_range %}`;

/** A template is a program of somebody else's: loops within loops end after this. Filling one in takes well below a millisecond. */
const LONGEST_MS = 1_000;
const LONGEST_RANGE = 10_000;

/** In place of the library's, which would make a list of a thousand million numbers. */
function range(first: number, end?: number, step = 1): number[] {
  const [from, to] = end === undefined ? [0, first] : [first, end];
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!(count <= LONGEST_RANGE)) throw new Error(`range(${from}, ${to}) has more than ${LONGEST_RANGE} numbers`);
  return Array.from({ length: count }, (_, index) => from + index * step);
}

/** @throws when `work` takes longer than a second, which is stopped where it stands */
function bounded(work: () => string): () => string {
  // What a script calls ends with the script's time.
  const context = createContext({ work });
  const script = new Script('work()');
  return () => script.runInContext(context, { timeout: LONGEST_MS }) as string;
}

/**
 * @param companions small files of a model folder, by name
 * @throws RZeroError `ModelUnreadable` for a template that is not understood
 */
export function readChatFormat(companions: ReadonlyMap<string, Uint8Array>): ChatFormat {
  const config = parseFile(companions, 'tokenizer_config.json');
  const token = (field: string): string => textOf(config[field]) ?? '';
  const source = textOfFile(companions.get('chat_template.jinja')) ?? chosenTemplate(config['chat_template']);
  if (source === undefined) {
    const start = startOf(companions) ?? (config['add_bos_token'] === true ? token('bos_token') : '');
    return { template: false, render: (messages) => start + messages.map(plainForm).join('') };
  }
  let template: Template;
  try {
    template = new Template(PRELUDE + source);
  } catch (error) {
    throw unreadable('is not understood', error);
  }
  let asked: readonly ChatMessage[] = [];
  const fillIn = bounded(() =>
    template.render({
      messages: asked.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: true,
      bos_token: token('bos_token'),
      eos_token: token('eos_token'),
      date_string: DATE,
      bounded_range: range,
    }),
  );
  return {
    template: true,
    render: (messages) => {
      asked = messages;
      try {
        return fillIn();
      } catch (error) {
        throw unreadable('cannot be filled in', error);
      }
    },
  };
}

/** As the public code asks models without a template (`Chengsong-Huang/R-Zero`, dataset.py:247-250), which leaves the last line open. */
function plainForm({ role, content }: ChatMessage): string {
  return `${role}: ${content}\n`;
}

/** One template, or several by name, of which `default` is the one for talking. */
function chosenTemplate(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (!Array.isArray(value)) return undefined;
  const named = value as { name?: unknown; template?: unknown }[];
  const chosen = named.find((each) => each?.name === 'default')?.template;
  return typeof chosen === 'string' ? chosen : undefined;
}

/** The token that tokenizer.json puts before every text. */
function startOf(companions: ReadonlyMap<string, Uint8Array>): string | undefined {
  interface Processor {
    type?: string;
    processors?: Processor[];
    single?: { SpecialToken?: { id?: unknown } }[];
  }
  const outer = parseFile(companions, 'tokenizer.json')['post_processor'] as Processor | null | undefined;
  const template = [outer, ...(outer?.processors ?? [])].find((each) => each?.type === 'TemplateProcessing');
  return textOf(template?.single?.[0]?.SpecialToken?.id);
}

function parseFile(companions: ReadonlyMap<string, Uint8Array>, name: string): Record<string, unknown> {
  const text = textOfFile(companions.get(name));
  if (text === undefined) return {};
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch (error) {
    throw unreadable(`needs ${name}, which is not valid JSON`, error);
  }
}

function textOfFile(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('utf8');
}

/** A token is its text, or an object that holds it. */
function textOf(token: unknown): string | undefined {
  const text = typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token;
  return typeof text === 'string' ? text : undefined;
}

function unreadable(what: string, cause: unknown): RZeroError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new RZeroError('ModelUnreadable', `The chat template of the model ${what}: ${reason}.`, {
    field: 'chat_template',
    fix: "Correct the template, or write the prompts in the model's r-zero.json, which needs none.",
    cause,
  });
}
