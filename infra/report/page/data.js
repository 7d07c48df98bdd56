/** What the page carries of the questions (`../reader.ts`), unpacked. */

/**
 * @typedef {object} List
 * @property {string} run
 * @property {number} piece questions a piece
 * @property {string[]} reasons
 * @property {string[]} ids
 * @property {number[]} iterations
 * @property {(number | null)[]} steps of Challenger training; null in the data generation
 * @property {(string | null)[]} questions
 * @property {number[]} reason places in `reasons`
 * @property {(string | null)[]} labels
 * @property {(number | null)[]} majorities
 * @property {(number | null)[]} totals
 * @property {(boolean | null)[]} agrees
 * @property {(number | null)[]} rewards in Challenger training
 */

/** @typedef {string | [beginning: string, end: string, omitted: number]} CutText */

/**
 * @typedef {object} Reward
 * @property {number} total
 * @property {number} computed
 * @property {number | null} uncertainty
 * @property {number | null} repetition
 * @property {number | null} cluster_size
 * @property {number} format
 * @property {number} advantage
 */

/**
 * @typedef {object} Detail
 * @property {CutText} completion
 * @property {string | null} challenger_answer
 * @property {number | null} unparsable
 * @property {boolean | null} tie
 * @property {{ representative?: string, count: number, weight?: number }[] | null} classes
 * @property {unknown} inputs
 * @property {Reward | null} reward in Challenger training
 * @property {{ sample: number, extracted: string | null, completion: CutText, finish_reason: string }[]} answers
 * @property {{ oracle: string, version: number, truth: string | null, agrees: boolean | null }[]} audits
 */

/** @param {string} id */
async function unpack(id) {
  const text = document.getElementById(id)?.textContent ?? '';
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return await new Response(stream).json();
}

/**
 * @param {number} run
 * @returns {Promise<List>}
 */
export const readList = (run) => unpack(`list-${run}`);

/** @type {Map<string, Promise<Detail[]>>} */
const pieces = new Map();
/** More would be kept for nobody. */
const MOST_PIECES = 20;

/**
 * @param {number} run
 * @param {List} list
 * @param {number} row
 * @returns {Promise<Detail | undefined>}
 */
export async function readDetail(run, list, row) {
  const id = `piece-${run}-${Math.floor(row / list.piece)}`;
  let piece = pieces.get(id);
  if (!piece) {
    if (pieces.size >= MOST_PIECES) pieces.delete([...pieces.keys()][0] ?? '');
    pieces.set(id, (piece = unpack(id)));
  }
  return (await piece)[row % list.piece];
}

/** For a page whose data has been exchanged. */
export const forgetPieces = () => pieces.clear();
