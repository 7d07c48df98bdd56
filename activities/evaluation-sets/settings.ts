/** The named question sets of a run: `evaluation.sets` of its input. */
import { z } from 'zod';
import { LOADER_NAMES } from './loaders.ts';

const HELD_OUT = 'held-out';

export const setFields = z.strictObject({
  /** How its file is read and its questions are asked (loaders.ts); `file` for one of `{"question", "answer"}` and no published set. */
  set: z.enum(LOADER_NAMES),
  /** What rows and tables call it; the set's own name when omitted. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, ".", "_" and "-", at most 64')
    .refine((name) => name !== HELD_OUT, `"${HELD_OUT}" are the questions that come with the model`)
    .optional(),
  /** On the worker: JSON lines, a JSON list or Parquet; what `r-zero dataset get` fetched when omitted. */
  file: z.string().min(1).max(4096).optional(),
  /** From the front; all when omitted. */
  questions: z.int().min(1).max(1_000_000).optional(),
  /** Per question beside the greedy answer, for mean@k and majority@k; 32 of AMC and AIME, none of the others, when omitted. */
  samples: z.int().min(0).max(1024).optional(),
  /** Of the samples. @default 1 */
  temperature: z.number().min(0.01).max(10).optional(),
  /** Longest answer; `solver.maxTokens` when omitted. */
  maxTokens: z.int().min(1).max(65_536).optional(),
  /**
   * `official`: in the words of the public code; `solver`: as the Solver is asked in training, with choices behind the question. When
   * omitted `official` for runs with those prompts, and `solver` for others.
   */
  prompts: z.enum(['official', 'solver']).optional(),
  /** `official`: as the public code grades the set; `default`: by the run's preset. Choices are graded by letter. @default the first, but for `file` */
  grader: z.enum(['official', 'default']).optional(),
});

export type SetSettings = z.output<typeof setFields>;

export const nameOf = ({ name, set }: SetSettings): string => name ?? set;

export const evaluationSetList = z
  .array(setFields)
  .min(1)
  .max(32)
  .superRefine((sets, context) => {
    const seen = new Set<string>();
    sets.forEach((entry, index) => {
      const name = nameOf(entry);
      if (seen.has(name)) {
        context.addIssue({ code: 'custom', path: [index, 'name'], message: `a second set "${name}": give it a name` });
      }
      seen.add(name);
      if (entry.set === 'file' && entry.file === undefined) {
        context.addIssue({
          code: 'custom',
          path: [index, 'file'],
          message: 'names the file of a set that is not published',
        });
      }
    });
  });
