import { forgetPieces, readDetail, readList } from './data.js';
import { reasonText, showDetail } from './detail.js';
import { findRows, readFilter, shareOf } from './filter.js';
import { count, element, signed } from './text.js';

const PAGE = 25;

/** The list of one run's questions. */
class Reader {
  /** @type {import('./data.js').List | undefined} */
  list;
  /** @type {string[]} */
  #texts = [];
  /** @type {number[]} */
  #found = [];
  #page = 0;
  /** Ids of the questions that are open. */
  #open = new Set();
  #root;
  #run;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#run = Number(root.dataset['run']);
  }

  async load() {
    const list = await readList(this.#run);
    this.list = list;
    this.#texts = list.ids.map((_, row) => `${list.questions[row] ?? ''}\n${list.labels[row] ?? ''}`.toLowerCase());
  }

  /**
   * @param {import('./filter.js').Filter} filter
   * @param {boolean} isNew false when the rows are others, and not the filter
   */
  show(filter, isNew) {
    const { list } = this;
    if (!list) return;
    this.#found = findRows(list, this.#texts, filter);
    if (isNew) this.#page = 0;
    this.#page = Math.min(this.#page, this.#last());
    this.#draw(list);
  }

  #last = () => Math.max(0, Math.ceil(this.#found.length / PAGE) - 1);

  /** @param {import('./data.js').List} list */
  #draw(list) {
    const from = this.#page * PAGE;
    const rows = this.#found.slice(from, from + PAGE);
    const [found, questions, pages] = ['.found', '.questions', '.pages'].map((name) => this.#root.querySelector(name));
    const range = rows.length > 0 ? `, ${count(from + 1)} to ${count(from + rows.length)} here` : '';
    found?.replaceChildren(`${count(this.#found.length)} of ${count(list.ids.length)} questions${range}`);
    questions?.replaceChildren(...rows.map((row) => this.#item(list, row)));
    questions?.setAttribute('start', String(from + 1));
    pages?.replaceChildren(...this.#turns());
  }

  #turns() {
    const last = this.#last();
    if (last === 0) return [];
    /**
     * @param {string} text
     * @param {number} page
     */
    const turn = (text, page) => {
      const button = element('button', '', text);
      button.type = 'button';
      button.disabled = page < 0 || page > last || page === this.#page;
      button.addEventListener('click', () => {
        this.#page = page;
        if (this.list) this.#draw(this.list);
        this.#root.scrollIntoView({ block: 'start' });
      });
      return button;
    };
    return [
      turn('First', 0),
      turn('Previous', this.#page - 1),
      element('span', 'place', `page ${count(this.#page + 1)} of ${count(last + 1)}`),
      turn('Next', this.#page + 1),
      turn('Last', last),
    ];
  }

  /**
   * @param {import('./data.js').List} list
   * @param {number} row
   */
  #item(list, row) {
    const id = list.ids[row];
    const reason = list.reasons[list.reason[row] ?? 0] ?? '';
    const share = shareOf(list, row);
    const agrees = list.agrees[row] ?? null;
    const question = list.questions[row] ?? null;
    const label = list.labels[row] ?? null;
    const step = list.steps[row] ?? null;
    const reward = list.rewards[row] ?? null;
    const summary = element(
      'summary',
      '',
      element('span', 'number', `iteration ${list.iterations[row]}${step === null ? '' : `, step ${step + 1}`}`),
      element('span', 'number share', share === undefined ? 'p̂ –' : `p̂ ${list.majorities[row]}/${list.totals[row]}`),
      step !== null && reason === 'rewarded'
        ? element('span', 'dropped number', reward === null ? 'no reward' : `reward ${signed(reward)}`)
        : element('span', reason === 'kept' ? 'kept' : 'dropped', reasonText(reason)),
      element('bdi', question === null ? 'question none' : 'question', question ?? 'no question in what was written'),
      element('span', 'label', ...(label === null ? ['no label'] : ['label ', element('bdi', '', label)])),
      element('span', `truth ${agrees ?? 'unknown'}`, agrees === null ? '' : agrees ? 'is true' : 'is false'),
    );
    const details = element('details', 'entry', summary);
    details.addEventListener('toggle', () => {
      this.#open[details.open ? 'add' : 'delete'](id);
      if (details.open && details.childElementCount === 1) void this.#fill(details, list, row);
    });
    if (this.#open.has(id)) details.open = true;
    return element('li', '', details);
  }

  /**
   * @param {HTMLDetailsElement} details
   * @param {import('./data.js').List} list
   * @param {number} row
   */
  async #fill(details, list, row) {
    const detail = await readDetail(this.#run, list, row);
    if (detail && details.childElementCount === 1) details.append(showDetail(list, row, detail));
  }
}

/** @type {Reader[]} */
let readers = [];
const TYPING_MS = 120;

const formOf = () => /** @type {HTMLFormElement} */ (document.getElementById('reader-filters'));

/** @param {boolean} isNew */
function show(isNew) {
  const filter = readFilter(new FormData(formOf()));
  for (const reader of readers) reader.show(filter, isNew);
}

/** The choices that the rows offer; what is chosen stays so. */
function offer() {
  const lists = readers.flatMap(({ list }) => (list ? [list] : []));
  const iterations = [...new Set(lists.flatMap((list) => list.iterations))].sort((a, b) => a - b);
  const reasons = [...new Set(lists.flatMap((list) => list.reasons))].filter((reason) => reason !== 'kept').sort();
  fill('iteration', iterations.map(String), (text) => text);
  fill('reason', reasons, reasonText);
}

/**
 * @param {string} name
 * @param {readonly string[]} values
 * @param {(value: string) => string} text
 */
function fill(name, values, text) {
  const select = /** @type {HTMLSelectElement} */ (formOf().elements.namedItem(name));
  const chosen = select.value;
  const options = ['', ...values].map((value) => new Option(value === '' ? 'all' : text(value), value));
  select.replaceChildren(...options);
  if (values.includes(chosen)) select.value = chosen;
}

async function load() {
  await Promise.all(readers.map((reader) => reader.load()));
  offer();
}

export async function startReader() {
  const roots = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.reader'));
  readers = [...roots].map((root) => new Reader(root));
  const form = formOf();
  let typing = 0;
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(() => show(true)));
  form.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => show(true), TYPING_MS);
  });
  await load();
  show(true);
}

/** After the page's data has been exchanged: filter, page and open questions stay. */
export async function refreshReader() {
  forgetPieces();
  await load();
  show(false);
}
