/**
 * The page: one file that asks nothing of any network, for a run or for two beside each other. What it shows is a function of the rows,
 * down to the byte; the time at which it was made is not in it.
 */
import type { DifferenceRow } from '../../db/queries/report-accuracy.ts';
import type { RunData } from './data.ts';
import { Html, markup, render } from './html.ts';
import { policyHash, readPageFiles } from './page-files.ts';
import { readerSection } from './reader.ts';
import type { ReaderData } from './reader.ts';
import { COLOURS } from './runs.ts';
import { accuracySection } from './sections/accuracy.ts';
import { alarmSection } from './sections/alarms.ts';
import { answerSection } from './sections/answer.ts';
import { configurationSection, modelName, time } from './sections/configuration.ts';
import { costSection, troubleSection } from './sections/cost.ts';
import { diversitySection } from './sections/diversity.ts';
import { evaluationSetsSection } from './sections/evaluation-sets.ts';
import { funnelSection } from './sections/funnel.ts';
import { labelSection } from './sections/labels.ts';
import { trainingSection } from './sections/training.ts';
import { votesSection } from './sections/votes.ts';

export interface PageContent {
  runs: readonly RunData[];
  differences: readonly DifferenceRow[];
  readers: readonly ReaderData[];
  /** Of this package. */
  codeVersion: string;
  /** Of the rows, for a page that is served live; it asks for the next one. */
  version?: string | undefined;
}

const CONTENTS: readonly [id: string, title: string][] = [
  ['answer', 'Did it get better?'],
  ['accuracy', 'Accuracy'],
  ['sets', 'Evaluation sets'],
  ['labels', 'Labels'],
  ['alarms', 'Alarms'],
  ['funnel', 'Funnel'],
  ['votes', 'Votes'],
  ['training', 'Training'],
  ['diversity', 'Diversity'],
  ['cost', 'Time'],
  ['trouble', 'What went wrong'],
  ['configuration', 'Configuration'],
  ['reader', 'Questions'],
];

/**
 * Nothing may be loaded, and no script or style but the page's own may run. A page that is served asks its server for what is new, and
 * parses the answer, so that it cannot forbid strings that become markup; a file can, and does.
 */
export function contentPolicy({ script, style }: { script: string; style: string }, isServed: boolean): string {
  return [
    `default-src 'none'`,
    `script-src ${policyHash(script)}`,
    `style-src ${policyHash(style)}`,
    `base-uri 'none'`,
    `form-action 'none'`,
    isServed ? `connect-src 'self'` : `require-trusted-types-for 'script'; trusted-types 'none'`,
  ].join('; ');
}

export function renderPage({ runs, differences, readers, codeVersion, version }: PageContent): string {
  const { script, style } = readPageFiles();
  const isServed = version !== undefined;
  const names = runs.map(({ run }) => run.runId);
  return render(markup`<!doctype html>
<html lang="en"${isServed ? markup` data-version="${version}"` : ''}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy({ script, style }, isServed)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>R-Zero: ${names.join(' and ')}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<div class="top">
<h1>R-Zero run${runs.length > 1 ? 's' : ''} ${names.map(
    (name, index) =>
      markup`${index > 0 ? ' and ' : ''}<span class="${runs.length > 1 ? COLOURS[index]! : 'only'}">${name}</span>`,
  )}</h1>
<div><span id="watch" role="status"></span> <button type="button" id="theme" hidden>Colours: auto</button></div>
</div>
<div id="facts" data-live>${runs.map((data) => factsOf(data, runs.length > 1))}</div>
<nav class="contents" aria-label="Contents"><ul>
${CONTENTS.map(([id, title]) => markup`<li><a href="#${id}">${title}</a></li>\n`)}</ul></nav>
</header>
<main>
${answerSection(runs, differences)}
${accuracySection(runs)}
${evaluationSetsSection(runs)}
${labelSection(runs)}
${alarmSection(runs)}
${funnelSection(runs)}
${votesSection(runs)}
${trainingSection(runs)}
${diversitySection(runs)}
${costSection(runs)}
${troubleSection(runs)}
${configurationSection(runs)}
${readerSection(readers)}
</main>
<footer><p class="note">Made by temporal-r-zero ${codeVersion} from the rows of its database alone. The method: R-Zero, arXiv 2508.05004.</p></footer>
<script>${new Html(script)}</script>
</body>
</html>
`);
}

function factsOf({ run, config, lastRow, times }: RunData, isNamed: boolean): Html {
  const begun = [...new Set(times.map(({ iteration }) => iteration))].filter((iteration) => iteration > 0);
  const open = new Set(times.flatMap((row) => (row.units_done < row.units ? [row.iteration] : [])));
  const done = begun.filter((iteration) => !open.has(iteration)).length;
  const parts = [
    run.status,
    `${done} of ${run.iterations} iterations done`,
    config.model === 'builtin' ? 'built-in base model' : modelName(config.model),
    `preset ${run.preset}`,
    ...(run.control === 'none' ? [] : [`control ${run.control}`]),
    `seed ${run.seed}`,
    `started ${time(run.createdAt)}`,
    ...(lastRow ? [`newest row ${time(lastRow)}`] : []),
  ];
  return markup`<p class="facts">${isNamed ? markup`<strong>${run.runId}</strong>: ` : ''}${parts.join(' · ')}</p>`;
}
