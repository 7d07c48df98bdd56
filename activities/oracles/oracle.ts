/**
 * Who knows whether a label is true. Several may be asked about a run; what each says of a label is a row of `audits`, under the oracle's
 * name and version, and never reaches training.
 */

/** A label to be judged. */
export interface Claim {
  question: string;
  label: string;
}

/** What a verdict took. */
export interface Cost {
  /** Requests, tries included. */
  calls: number;
  promptTokens: number;
  completionTokens: number;
  seconds: number;
}

export interface Verdict {
  /** Of the oracle's rules, or of its definition (`r_zero.oracles`). */
  version: number;
  /** What is right; null when the oracle only says whether the label is. */
  truth: string | null;
  /** Null when the oracle was asked and cannot tell. */
  agrees: boolean | null;
  /** What a judge wrote. */
  reply?: string;
  /** Absent where nothing is asked. */
  cost?: Cost;
}

/** One that knows at once; judges and people are asked in activities of their own (judge.ts, human.ts). */
export interface Oracle {
  /** As in `audits.oracle`. */
  readonly name: string;
  /** @returns undefined when the oracle does not cover the question: then there is no row */
  ask(claim: Claim): Verdict | undefined;
}
