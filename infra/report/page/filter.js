/**
 * @typedef {object} Filter
 * @property {string} text lower case; empty for everything
 * @property {string} phase generation, training
 * @property {string} iteration
 * @property {string} decision kept, dropped
 * @property {string} reason
 * @property {string} label true, false, unknown
 * @property {number} least of p̂
 * @property {number} most
 * @property {string} order rising, falling: by p̂; reward-rising, reward-falling; else as written
 */

/**
 * @param {FormData} form
 * @returns {Filter}
 */
export function readFilter(form) {
  /** @param {string} name */
  const text = (name) => {
    const value = form.get(name);
    return typeof value === 'string' ? value : '';
  };
  return {
    text: text('text').trim().toLowerCase(),
    phase: text('phase'),
    iteration: text('iteration'),
    decision: text('decision'),
    reason: text('reason'),
    label: text('label'),
    least: text('least') === '' ? -Infinity : Number(text('least')),
    most: text('most') === '' ? Infinity : Number(text('most')),
    order: text('order'),
  };
}

/** Against rounding: 0.3 is to find 3/10. */
const CLOSE = 1e-9;

/**
 * The rows that pass, in their order.
 * @param {import('./data.js').List} list
 * @param {readonly string[]} texts what is searched in, lower case, row by row
 * @param {Filter} filter
 */
export function findRows(list, texts, filter) {
  const kept = list.reasons.indexOf('kept');
  const reason = list.reasons.indexOf(filter.reason);
  const iteration = Number(filter.iteration);
  const bounded = filter.least > -Infinity || filter.most < Infinity;
  /** @type {number[]} */
  const found = [];
  for (let row = 0; row < list.ids.length; row++) {
    const isTraining = list.steps[row] !== null;
    if (filter.phase !== '' && isTraining !== (filter.phase === 'training')) continue;
    if (filter.iteration !== '' && list.iterations[row] !== iteration) continue;
    // Nothing is decided on what the Challenger is trained with.
    if (filter.decision !== '' && isTraining) continue;
    if (filter.decision !== '' && (list.reason[row] === kept) !== (filter.decision === 'kept')) continue;
    if (filter.reason !== '' && list.reason[row] !== reason) continue;
    if (filter.label !== '' && String(list.agrees[row] ?? 'unknown') !== filter.label) continue;
    if (bounded) {
      const share = shareOf(list, row);
      if (share === undefined || share < filter.least - CLOSE || share > filter.most + CLOSE) continue;
    }
    if (filter.text !== '' && !texts[row]?.includes(filter.text)) continue;
    found.push(row);
  }
  if (filter.order !== '') {
    const sign = filter.order.endsWith('rising') ? 1 : -1;
    /** @param {number} row */
    const value = (row) => (filter.order.startsWith('reward') ? list.rewards[row] : shareOf(list, row));
    // Those without come last.
    found.sort((a, b) => sign * ((value(a) ?? sign * Infinity) - (value(b) ?? sign * Infinity)) || a - b);
  }
  return found;
}

/**
 * p̂; undefined without votes.
 * @param {import('./data.js').List} list
 * @param {number} row
 */
export function shareOf(list, row) {
  const [majority, total] = [list.majorities[row] ?? null, list.totals[row] ?? null];
  return majority === null || !total ? undefined : majority / total;
}
