/**
 * The questions of the data generation and of Challenger training, packed for the page's script: the few columns that are filtered and listed at once, in one
 * piece, and all else in pieces that are unpacked when somebody opens a question. Each piece is JSON, compressed, as base64.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type pg from 'pg';
import { readReaderDetails, readReaderRows, readReaderSize } from '../../db/queries/report-reader.ts';
import type { ReaderRow } from '../../db/queries/report-reader.ts';
import { count } from '../cli/numbers.ts';
import type { RunData } from './data.ts';
import { markup } from './html.ts';
import type { Html } from './html.ts';
import { note } from './sections/section.ts';

export interface ReaderLimits {
  /** Most questions of a run; of more, a stratified sample. */
  questions: number;
  /** Most characters of a run's answers; long ones are cut in the middle beyond that. */
  characters: number;
}

/** About 15 MB of page for a run, and half a second to the first list. */
export const READER_LIMITS: ReaderLimits = { questions: 20_000, characters: 24_000_000 };

/** No answer is cut to less. */
const SHORTEST_CUT = 240;
const LONGEST_CUT = 20_000;
/** Questions a piece. */
const PIECE = 100;

export interface ReaderData {
  data: RunData;
  list: string;
  pieces: string[];
  questions: number;
  /** Of these, in Challenger training. */
  training: number;
  shown: number;
  /** Longest text that is not cut. */
  length: number;
  isCut: boolean;
}

export async function readReader(client: pg.PoolClient, data: RunData, limits: ReaderLimits): Promise<ReaderData> {
  const { runId } = data.run;
  const size = await readReaderSize(client, runId);
  const rows = await readReaderRows(client, runId, limits.questions);
  // Of a sample the answers are as many as its share of the questions.
  const answers = Math.max(1, Math.round((size.answers * rows.length) / Math.max(1, size.questions)));
  const isCut = (size.characters * rows.length) / Math.max(1, size.questions) > limits.characters;
  const length = isCut ? Math.max(SHORTEST_CUT, Math.floor(limits.characters / answers)) : LONGEST_CUT;
  const pieces: string[] = [];
  for (let from = 0; from < rows.length; from += PIECE) {
    const ids = rows.slice(from, from + PIECE).map(({ question_id: id }) => id);
    pieces.push(await pack(await readReaderDetails(client, ids, length)));
  }
  return {
    data,
    list: await pack(columnsOf(rows, data)),
    pieces,
    questions: size.questions,
    training: size.training,
    shown: rows.length,
    length,
    isCut,
  };
}

/** Column by column: half the size of rows, and quicker to search. */
function columnsOf(rows: readonly ReaderRow[], { run }: RunData): object {
  const reasons = [...new Set(rows.map(({ reason }) => reason))].sort();
  const numbers = new Map(reasons.map((reason, index) => [reason, index]));
  return {
    run: run.runId,
    piece: PIECE,
    reasons,
    ids: rows.map(({ question_id: id }) => id),
    iterations: rows.map(({ iteration }) => iteration),
    steps: rows.map(({ step }) => step),
    questions: rows.map(({ question }) => question),
    reason: rows.map(({ reason }) => numbers.get(reason)),
    labels: rows.map(({ label }) => label),
    majorities: rows.map(({ majority }) => majority),
    totals: rows.map(({ total }) => total),
    agrees: rows.map(({ agrees }) => agrees),
    rewards: rows.map(({ reward }) => reward),
  };
}

const compress = promisify(gzip);

async function pack(value: unknown): Promise<string> {
  return (await compress(Buffer.from(JSON.stringify(value), 'utf8'), { level: 9 })).toString('base64');
}

export function readerSection(readers: readonly ReaderData[]): Html {
  const isNamed = readers.length > 1;
  return markup`
<section id="reader" aria-labelledby="reader-title">
<h2 id="reader-title">Read the questions</h2>
<div id="reader-limits" data-live>${readers.map((reader) => limitsOf(reader, isNamed))}</div>
<noscript><p class="alert">The list of questions needs JavaScript; everything above does not.</p></noscript>
<form id="reader-filters" role="search" aria-label="Questions">
<label class="wide">Search <input type="search" name="text" autocomplete="off" spellcheck="false" placeholder="in questions and labels"></label>
${choice(
  'Written in',
  'phase',
  [
    ['generation', 'data generation'],
    ['training', 'Challenger training'],
  ],
  'either',
  'generation',
)}
${choice('Iteration', 'iteration', [])}
${choice('Decision', 'decision', [
  ['kept', 'kept'],
  ['dropped', 'not kept'],
])}
${choice('Reason', 'reason', [])}
${choice('Label', 'label', [
  ['true', 'true'],
  ['false', 'false'],
  ['unknown', 'not compared'],
])}
<label>p̂ from <input type="number" name="least" min="0" max="1" step="any" inputmode="decimal"></label>
<label>to <input type="number" name="most" min="0" max="1" step="any" inputmode="decimal"></label>
${choice(
  'Order',
  'order',
  [
    ['rising', 'p̂ rising'],
    ['falling', 'p̂ falling'],
    ['reward-falling', 'reward falling'],
    ['reward-rising', 'reward rising'],
  ],
  'as written',
)}
<button type="reset">Clear</button>
</form>
<div id="readers" class="${isNamed ? 'two' : 'one'}">
${readers.map(
  ({ data }) => markup`<div class="reader" data-run="${data.index}">
${isNamed ? markup`<h3>${data.run.runId}</h3>` : ''}
<p class="found" aria-live="polite"></p>
<ol class="questions"></ol>
<nav class="pages" aria-label="Pages of questions${isNamed ? ` of ${data.run.runId}` : ''}"></nav>
</div>
`,
)}</div>
</section>
<div id="reader-data" hidden>${readers.map(({ data: { index }, list, pieces }) => [
    blob(`list-${index}`, list),
    pieces.map((piece, at) => blob(`piece-${index}-${at}`, piece)),
  ])}</div>`;
}

/** The page's script adds the choices that the rows offer. */
const choice = (
  title: string,
  name: string,
  values: readonly [value: string, text: string][],
  none = 'all',
  chosen = '',
): Html =>
  markup`<label>${title} <select name="${name}"><option value="">${none}</option>${values.map(
    ([value, text]) => markup`<option value="${value}"${value === chosen ? markup` selected` : ''}>${text}</option>`,
  )}</select></label>`;

/** The browser takes it for data, and runs nothing of it. */
const blob = (id: string, base64: string): Html => markup`
<script type="text/plain" id="${id}">${base64}</script>`;

function limitsOf({ data, questions, training, shown, length, isCut }: ReaderData, isNamed: boolean): Html {
  const name = isNamed ? `${data.run.runId}: ` : '';
  const which =
    shown < questions
      ? `${count(shown)} of ${count(questions)} questions, a sample with the same shares of iterations, phases and reasons; all of them are in the database.`
      : `All ${count(questions)} questions: ${count(questions - training)} of the data generation, ${count(training)} of Challenger training.`;
  const cut = isCut ? ` Answers of more than ${count(length)} characters are cut in the middle.` : '';
  return note(`${name}${which}${cut}`);
}
