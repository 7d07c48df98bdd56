/** The first thing anyone asks: did it get better, and what ties that to reality? */
import type { DifferenceRow, EvaluationRow } from '../../../db/queries/report-accuracy.ts';
import { explainLoop } from '../../cli/loop-facts.ts';
import { count } from '../../cli/numbers.ts';
import { explainGain } from '../../cli/summary.ts';
import type { RunSnapshot } from '../../cli/run-snapshot.ts';
import type { Phase } from '../../../activities/contract.ts';
import { replacesLabels } from '../../../activities/control.ts';
import type { RunData } from '../data.ts';
import { difference, gainText, intervalText, isClear, shareText, signed } from '../estimate.ts';
import type { Estimate } from '../estimate.ts';
import { markup } from '../html.ts';
import type { Fragment, Html } from '../html.ts';
import { idOf, named } from '../runs.ts';
import { table } from '../table.ts';
import { alarmSentence } from './alarms.ts';
import { GREEDY, MAJORITY, SAMPLED, WORKED, WORKED_RIGHT } from './accuracy.ts';
import type { Measure } from './accuracy.ts';
import { estimateOf } from './labels.ts';
import { section } from './section.ts';

export function answerSection(runs: readonly RunData[], differences: readonly DifferenceRow[]): Html {
  return section(
    'answer',
    'Did it get better?',
    runs.length > 1 ? between(runs, differences) : '',
    runs.map(
      (data) =>
        markup`${runs.length > 1 ? markup`<h3>${data.run.runId}</h3>` : ''}
          <p class="verdict">${verdict(data)}</p>
          ${[explanation(data), labelSentence(data), alarmSentence(data)].map((text) => text && markup`<p>${text}</p>`)}
          ${keyTable(runs, data)}`,
    ),
  );
}

/** Greedy first, where there is nothing to chance; on the first set. */
function ends(
  data: RunData,
  mode: EvaluationRow['mode'],
): { base?: EvaluationRow; final?: EvaluationRow; best?: EvaluationRow } {
  const set = data.evaluations[0]?.set_name;
  const rows = data.evaluations.filter((row) => row.set_name === set && row.mode === mode);
  const base = rows.find(({ iteration }) => iteration === 0);
  const later = rows.filter(({ iteration }) => iteration > 0);
  const final = later.at(-1);
  const best = later.reduce<EvaluationRow | undefined>(
    (top, row) => (!top || row.correct > top.correct ? row : top),
    undefined,
  );
  return { ...(base ? { base } : {}), ...(final ? { final } : {}), ...(best ? { best } : {}) };
}

function verdict(data: RunData): Fragment {
  const { base, final, best } = ends(data, 'greedy');
  if (data.evaluations.length === 0) return 'Not measured: there are no held-out questions for this model.';
  if (!base || !final) return 'Too early to say: no iteration was evaluated yet.';
  const [from, to] = [GREEDY.of(base), GREEDY.of(final)];
  const gain = difference(final.gain, final.gain_error);
  const going = data.run.status === 'completed' ? '' : ' so far';
  const word =
    !gain || !isClear(gain) ? 'No difference that these questions can tell' : gain.value > 0 ? 'Yes' : 'No, worse';
  const peak =
    best && best.correct - final.correct >= 0.02 * final.items
      ? markup` It was best in iteration ${best.iteration}, at ${shareText(GREEDY.of(best))}, and has lost since.`
      : '';
  return markup`<strong>${word}${going}.</strong> On ${count(final.items)} held-out questions greedy accuracy went from
    ${shareText(from)} to <strong>${shareText(to)}</strong> in
    ${final.iteration === 1 ? 'one iteration' : `${final.iteration} iterations`}${
      gain ? markup`: ${signed(gain.value)} points, 95 % interval ${signed(gain.low)} to ${signed(gain.high)}` : ''
    }.${peak}`;
}

/** The command line's own words, from the same numbers. */
function explanation({ run, summaries, times }: RunData): string | undefined {
  const phases = times.map((row): RunSnapshot['phases'][number] => ({
    iteration: row.iteration,
    phase: row.phase as Phase,
    units: row.units,
    unitsDone: row.units_done,
    seconds: row.seconds,
    startedAt: null,
    lastFinishedAt: row.last_finished_at,
  }));
  return explainGain({ run, summaries }) ?? explainLoop({ run, phases, summaries });
}

/** `computed` before any other: it is exact. */
const oracleOf = ({ labels }: RunData): string | undefined =>
  labels.some(({ oracle }) => oracle === 'computed') ? 'computed' : labels[0]?.oracle;

function labelSentence(data: RunData): Fragment {
  const oracle = oracleOf(data);
  const kept = data.labels.filter((row) => row.oracle === oracle && row.kept === true);
  const [first, last] = [kept[0], kept.at(-1)];
  const now = last && estimateOf(last);
  if (!first || !last || !now) {
    return 'What ties it to reality: nothing yet. No oracle knows which of the pseudo-labels it was trained on are true.';
  }
  const before = first === last ? '' : ` (${shareText(estimateOf(first))} in iteration ${first.iteration})`;
  const found = markup`the oracle <em>${last.oracle}</em> finds ${shareText(now)} true, 95 % interval ${intervalText(now)}${before}.`;
  return replacesLabels(data.run)
    ? markup`A control: the Solver was trained on other labels than those of the votes. Of the votes’ ${count(last.audited)} labels for the
      questions kept in iteration ${last.iteration}, ${found}`
    : markup`What ties it to reality: of the ${count(last.audited)} pseudo-labels that the Solver was trained on in
      iteration ${last.iteration}, ${found} The rest taught it something false.`;
}

function between(runs: readonly RunData[], differences: readonly DifferenceRow[]): Html {
  const [one, other] = runs;
  const row = differences.find(({ mode }) => mode === 'greedy');
  if (!one || !other || !row)
    return markup`<p>The two runs were not evaluated on the same questions, so no difference is drawn here.</p>`;
  const gap = difference(row.difference, row.error)!;
  const clear = isClear(gap) ? '' : ', which these questions cannot tell from none';
  return markup`<p class="verdict">
    Between the runs: ${one.run.runId} ends ${signed(gap.value)} points of greedy accuracy
    ${gap.value < 0 ? 'below' : 'above'} ${other.run.runId}, question by question (95 % interval ${signed(gap.low)} to
    ${signed(gap.high)})${clear}.
  </p>`;
}

function keyTable(runs: readonly RunData[], data: RunData): Html {
  const row = (measure: Measure): Fragment[][] => {
    const { base, final } = ends(data, measure.mode);
    const [from, to] = [base && measure.of(base), final && measure.of(final)];
    if (!from && !to) return [];
    const paired =
      measure === GREEDY || measure === SAMPLED
        ? difference(final?.gain ?? null, final?.gain_error ?? null)
        : undefined;
    return [
      [
        measure.title,
        ...cells(from),
        ...cells(to),
        paired ? gainText(paired) : from && to ? signed(to.value - from.value) : '–',
      ],
    ];
  };
  const rows = [GREEDY, SAMPLED, MAJORITY, WORKED, WORKED_RIGHT].flatMap(row);
  const kept = data.labels.filter((entry) => entry.oracle === oracleOf(data) && entry.kept === true);
  const [first, last] = [kept[0], kept.at(-1)];
  const iteration = Math.max(ends(data, 'greedy').final?.iteration ?? 0, ends(data, 'sampled').final?.iteration ?? 0);
  if (rows.length === 0) return markup``;
  return table({
    id: idOf('key-numbers', data),
    caption: named(runs, data, 'Solver on held-out questions; gains in points'),
    columns: [
      { head: '', text: true },
      { head: 'base' },
      { head: '95 %' },
      { head: iteration > 0 ? `iteration ${iteration}` : 'now' },
      { head: '95 %' },
      { head: 'gain' },
    ],
    rows: [
      ...rows,
      ...(first && last && estimateOf(last)
        ? [
            [
              `True labels of kept questions, iteration ${first.iteration} and ${last.iteration}`,
              ...cells(estimateOf(first)),
              ...cells(estimateOf(last)),
              signedShares(estimateOf(first), estimateOf(last)),
            ],
          ]
        : []),
    ],
  });
}

const cells = (estimate: Estimate | undefined): string[] => [shareText(estimate), intervalText(estimate)];

const signedShares = (from: Estimate | undefined, to: Estimate | undefined): string =>
  from && to ? signed(to.value - from.value) : '–';
