import type { Completion, SampleRequest } from '../../activities/engine/types.ts';
import { SOLVER_PROMPT } from './corpus.ts';
import type { HeldOutQuestion } from './held-out.ts';
import { COMPLETION_TOKENS } from './model-files.ts';

/** Votes per question behind `majority`. */
const VOTES = 8;

/** Held-out accuracy of a base model; every share lies on [0, 1]. */
export interface BaseEvaluation {
  questions: number;
  /** Temperature 0. */
  greedy: number;
  /** Share of greedy answers with worked steps. */
  greedyWorkedShare: number;
  /** Temperature 1, mean over `votes` samples a question. */
  sampled: number;
  /** Majority of `votes` samples; the first to reach the top count wins a tie. */
  majority: number;
  votes: number;
  /** Share of sampled answers with worked steps, and how many of those are right. */
  workedShare: number;
  workedAccuracy: number;
  /** How many of the sampled answers without steps are right. */
  guessAccuracy: number;
  /** Sampled answers without a readable box. */
  unreadableShare: number;
}

export interface TextCodec {
  encode(text: string): number[];
  decode(ids: readonly number[]): string;
}

interface Judged {
  answer: string | null;
  worked: boolean;
}

function judge(completion: Completion, codec: TextCodec): Judged {
  const text = codec.decode(completion.tokens);
  const match = /\\boxed\{(\d+)\}/.exec(text);
  return { answer: match?.[1] ?? null, worked: text.includes(',') };
}

function majorityOf(answers: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  let best: string | null = null;
  for (const answer of answers) {
    if (answer === null) continue;
    const count = (counts.get(answer) ?? 0) + 1;
    counts.set(answer, count);
    if (best === null || count > (counts.get(best) ?? 0)) best = answer;
  }
  return best;
}

/** A 64-bit seed as 16 hexadecimal digits, one per sample. */
const sampleSeed = (seed: number, index: number): string =>
  (seed >>> 0).toString(16).padStart(8, '0') + index.toString(16).padStart(8, '0');

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** Greedy, sampled and majority accuracy, and how the model goes about it. Deterministic for a seed. */
export async function evaluateBase(
  sample: (request: SampleRequest) => Promise<Completion[]>,
  codec: TextCodec,
  heldOut: readonly HeldOutQuestion[],
  seed: number,
): Promise<BaseEvaluation> {
  const prompts = heldOut.map(({ question }) => codec.encode(SOLVER_PROMPT.replace('{question}', question)));
  const maxTokens = COMPLETION_TOKENS;
  const greedy = await sample({
    items: prompts.map((promptTokens, index) => ({ promptTokens, seed: sampleSeed(seed, index) })),
    params: { maxTokens, temperature: 0 },
  });
  const sampled = await sample({
    items: prompts.flatMap((promptTokens, index) =>
      Array.from({ length: VOTES }, (_, vote) => ({ promptTokens, seed: sampleSeed(seed, index * VOTES + vote) })),
    ),
    params: { maxTokens, temperature: 1 },
  });

  let [right, worked, workedRight, unreadable, majorityRight, greedyRight, greedyWorked] = [0, 0, 0, 0, 0, 0, 0];
  heldOut.forEach(({ answer }, index) => {
    const answers = sampled.slice(index * VOTES, (index + 1) * VOTES).map((completion) => judge(completion, codec));
    for (const given of answers) {
      const isRight = given.answer === answer;
      if (isRight) right++;
      if (given.answer === null) unreadable++;
      if (given.worked) worked++;
      if (given.worked && isRight) workedRight++;
    }
    if (majorityOf(answers.map((given) => given.answer)) === answer) majorityRight++;
    const first = judge(greedy[index] as Completion, codec);
    if (first.answer === answer) greedyRight++;
    if (first.worked) greedyWorked++;
  });
  const answers = sampled.length;
  return {
    questions: heldOut.length,
    greedy: share(greedyRight, heldOut.length),
    greedyWorkedShare: share(greedyWorked, heldOut.length),
    sampled: share(right, answers),
    majority: share(majorityRight, heldOut.length),
    votes: VOTES,
    workedShare: share(worked, answers),
    workedAccuracy: share(workedRight, worked),
    guessAccuracy: share(right - workedRight, answers - worked),
    unreadableShare: share(unreadable, answers),
  };
}
