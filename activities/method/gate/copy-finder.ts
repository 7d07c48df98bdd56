import { NearDuplicateIndex, type WordRanks } from './near-duplicates.ts';
import type { RationalBound } from '../presets.ts';
import type { QuestionForm } from './question-form.ts';

/** An earlier text that a question repeats. */
export interface TextMatch {
  id: number;
  /** `exact`: the same text up to white space. `near`: see `NearDuplicateIndex`. `ngram`: see ngram-overlap.ts. */
  kind: 'exact' | 'near' | 'ngram';
  /** Share of words in common, 0 to 1; of runs of words for `ngram`. */
  similarity: number;
  /** Name of the evaluation set that it is of, where the run names sets. */
  set?: string;
}

/** Finds the first text of a collection that a question repeats, exactly before nearly. */
export class CopyFinder {
  readonly #exact = new Map<string, number>();
  readonly #near: NearDuplicateIndex;
  readonly #ids: number[] = [];

  constructor(similarity: RationalBound, ranks: WordRanks) {
    this.#near = new NearDuplicateIndex(similarity, ranks);
  }

  find(form: QuestionForm): TextMatch | undefined {
    const same = this.#exact.get(form.exact);
    if (same !== undefined) return { id: same, kind: 'exact', similarity: 1 };
    const near = this.#near.first(form);
    return near && { id: this.#ids[near.position]!, kind: 'near', similarity: near.common / near.union };
  }

  /** @param comparable false for a text that later ones are compared with literally only */
  add(form: QuestionForm, id: number, comparable = true): void {
    if (!this.#exact.has(form.exact)) this.#exact.set(form.exact, id);
    if (!comparable) return;
    this.#near.add(form);
    this.#ids.push(id);
  }
}
