import { element, signed } from './text.js';

/**
 * Everything about one question.
 * @param {import('./data.js').List} list
 * @param {number} row
 * @param {import('./data.js').Detail} detail
 */
export function showDetail(list, row, detail) {
  const total = list.totals[row] ?? 0;
  const made = element('div', 'detail');
  made.append(
    detail.reward
      ? part('Reward', rewards(detail.reward))
      : part('Decision', element('p', '', sentenceOf(list, row)), ...inputsOf(detail)),
    part('Votes', votes(detail, total)),
    ...(detail.audits.length > 0 ? [part('Audits', audits(list.labels[row] ?? null, detail))] : []),
    part(`Answers (${detail.answers.length})`, answers(detail)),
    part(
      'What the Challenger wrote',
      cutText(detail.completion),
      element('p', 'note', `Its own answer, used for nothing: ${detail.challenger_answer ?? 'none'}`),
    ),
    element('p', 'note', 'Its whole life: ', code(`select * from r_zero.lineage where question_id = ${list.ids[row]}`)),
  );
  return made;
}

/**
 * @param {import('./data.js').List} list
 * @param {number} row
 */
function sentenceOf(list, row) {
  const reason = reasonText(list.reasons[list.reason[row] ?? 0] ?? '');
  const [majority, total] = [list.majorities[row] ?? null, list.totals[row] ?? null];
  const share = majority === null || !total ? '' : `; p̂ = ${majority}/${total} = ${(majority / total).toFixed(3)}`;
  return `${reason === 'kept' ? 'Kept for training' : `Not kept: ${reason}`}${share}`;
}

/** @param {string} reason */
export const reasonText = (reason) => reason.replaceAll('_', ' ');

/**
 * @param {string} title
 * @param {...Node} content
 */
function part(title, ...content) {
  const made = element('section', 'part', element('h4', '', title));
  made.append(...content);
  return made;
}

/** @param {import('./data.js').Reward} reward */
function rewards({ total, computed, uncertainty, repetition, cluster_size: cluster, format, advantage }) {
  /** @type {[name: string, value: number | null, note?: string][]} */
  const parts = [
    ['reward', total, total === computed ? '' : `what it was trained with; the method’s would be ${signed(computed)}`],
    ['uncertainty of the Solver', uncertainty, 'most where half of the answers agree'],
    [
      'repetition penalty',
      repetition,
      (cluster ?? 0) > 1 ? `${cluster} questions of the step are near each other` : '',
    ],
    ['form', format],
    ['advantage', advantage, 'against the questions of its group'],
  ];
  const rows = parts.map(([name, value, note = '']) => {
    const head = element('th', '', name);
    head.scope = 'row';
    return element(
      'tr',
      '',
      head,
      element('td', 'number', value === null ? '–' : signed(value)),
      element('td', 'note', note),
    );
  });
  return element('table', 'rewards', element('tbody', '', ...rows));
}

/** @param {import('./data.js').Detail} detail */
function inputsOf({ inputs }) {
  if (inputs === null || inputs === undefined) return [];
  const made = element('details', 'inputs', element('summary', '', 'What it was decided from'));
  made.append(element('pre', '', JSON.stringify(inputs, null, 2)));
  return [made];
}

/**
 * @param {import('./data.js').Detail} detail
 * @param {number} total
 */
function votes({ classes, unparsable, tie }, total) {
  if (!classes || classes.length + (unparsable ?? 0) === 0) return element('p', 'note', 'None were taken.');
  const rows = classes.map(({ representative, count, weight }) =>
    voteRow(representative ?? '', count, total, '', weight),
  );
  if (unparsable) rows.push(voteRow('no readable answer', unparsable, total, 'none'));
  const made = element('table', 'votes', element('tbody', '', ...rows));
  return tie ? element('div', '', made, element('p', 'note', 'Two answers have equal votes.')) : made;
}

/**
 * @param {string} answer
 * @param {number} count
 * @param {number} total
 * @param {string} [kind]
 * @param {number} [weight] share of the weight, where answers were weighed
 */
function voteRow(answer, count, total, kind = '', weight) {
  const bar = element('span', 'bar');
  bar.style.inlineSize = `${(100 * count) / Math.max(1, total)}%`;
  const name = element('th', kind, element('bdi', '', answer));
  name.scope = 'row';
  const counted = weight === undefined ? String(count) : `${count}, ${(100 * weight).toFixed(0)} % of the weight`;
  return element('tr', '', name, element('td', 'number', counted), element('td', 'share', bar));
}

/**
 * @param {string | null} label
 * @param {import('./data.js').Detail} detail
 */
function audits(label, { audits: all }) {
  const items = all.map(({ oracle, version, truth, agrees }) =>
    element(
      'li',
      agrees === null ? 'none' : agrees ? 'true' : 'false',
      `${oracle} (version ${version}): `,
      ...(agrees === null ? ['cannot tell'] : [element('bdi', '', truth ?? (agrees ? 'true' : 'false'))]),
      ...(agrees === null ? [] : agrees ? [', as the label says'] : [', not ', element('bdi', '', label ?? '')]),
    ),
  );
  return element('ul', 'audits', ...items);
}

/** @param {import('./data.js').Detail} detail */
function answers({ answers: all }) {
  const items = all.map(({ sample, extracted, completion, finish_reason: reason }) =>
    element(
      'li',
      '',
      element(
        'p',
        'answer-head',
        `${sample + 1}. `,
        extracted === null ? element('span', 'none', 'no readable answer') : element('bdi', '', extracted),
        reason === 'length' ? ' (ran into the limit of its length)' : '',
      ),
      cutText(completion),
    ),
  );
  return items.length > 0 ? element('ol', 'answers', ...items) : element('p', 'note', 'None were sampled.');
}

/** @param {import('./data.js').CutText} text */
function cutText(text) {
  if (typeof text === 'string') return element('pre', '', text);
  const [beginning, end, omitted] = text;
  return element('pre', '', beginning, element('span', 'omitted', ` … ${omitted} characters … `), end);
}

/** @param {string} text */
const code = (text) => element('code', '', text);
