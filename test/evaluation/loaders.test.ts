/** Published evaluation sets: what is read from their files, how they are asked, and what is said of a file that is not as it should be. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RZeroError } from '../../activities/errors.ts';
import { gradeSample, graderOf, majorityIsCorrect } from '../../activities/evaluation-sets/grading.ts';
import { LOADERS, LOADER_NAMES, loaderOf } from '../../activities/evaluation-sets/loaders.ts';
import { readSet } from '../../activities/evaluation-sets/read-set.ts';
import { evaluationUnits } from '../../activities/evaluation-sets/units.ts';
import { getPreset } from '../../activities/method/presets.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { temporaryFolder } from '../support/activities.ts';
import { fc } from '../support/properties.ts';
import { asLines, asParquet, publishedRows, standIn } from '../support/set-files.ts';
import type { RunSet } from '../../db/queries/run-sets.ts';

const folder = temporaryFolder();
let files = 0;

function store(content: string | Buffer): string {
  const path = join(folder, `${(files += 1)}.data`);
  writeFileSync(path, content);
  return path;
}

const preset = getPreset('default');

describe('a published set', () => {
  for (const name of LOADER_NAMES) {
    test(`${name}: is the same from JSON lines, a JSON list and Parquet, alone and in parts`, async () => {
      const rows = publishedRows(name, 10);
      const read = (...paths: string[]) => readSet(name, paths, 'file');
      const set = await read(store(asLines(rows)));
      assert.equal(set.items.length, 10);
      set.items.forEach((item, index) => {
        const { question, answer } = standIn(index);
        assert.equal(item.question, question);
        const shown = item.choices ? item.choices['ABCDEFGHIJ'.indexOf(item.answer)] : item.answer;
        assert.equal(shown, answer);
      });
      assert.deepEqual(await read(store(JSON.stringify(rows))), set);
      assert.deepEqual(await read(store(asParquet(rows))), set);
      assert.deepEqual(await read(store(asLines(rows.slice(0, 4))), store(asParquet(rows.slice(4)))), set);
      assert.notEqual((await read(store(asLines(rows.slice(1))))).hash, set.hash);
    });
  }

  test('is asked in the words of the public code', () => {
    const choice = { question: 'Which is even?', answer: 'B', choices: ['1', '2'] };
    const shown = 'Which is even?\nOptions are:\n(A): 1\n(B): 2\n';
    const first = 'Please reason step by step, and put your final answer option within \\boxed{}.';
    const rest = 'in the box, e.g. \\boxed{A}. There is only one correct answer.';
    assert.equal(LOADERS.supergpqa.ask(choice), `${shown}\n\n${first} Only put the letter ${rest}`);
    assert.equal(LOADERS['mmlu-pro'].ask(choice), `${shown}\n\n${first} Only put the option letter ${rest}`);
    assert.equal(LOADERS.bbeh.ask({ question: 'Who?', answer: 'x' }), `Who?\n\n${first}`);
    assert.equal(LOADERS.gsm8k.ask({ question: 'Who?', answer: 'x' }), 'Who?');
    const [system] = LOADERS.gsm8k.messages;
    assert.equal(system?.content, 'Please reason step by step, and put your final answer within \\boxed{}.');
    assert.deepEqual(
      LOADERS.supergpqa.messages.map(({ role }) => role),
      ['user'],
    );
  });
});

describe('a file that is not as it should be', () => {
  const refusal = async (name: (typeof LOADER_NAMES)[number], content: string | Buffer): Promise<RZeroError> => {
    const error: unknown = await readSet(name, [store(content)], 'evaluation.sets.0.file').catch((caught) => caught);
    assert.ok(error instanceof RZeroError, String(error));
    assert.equal(error.code, 'RunInputInvalid');
    assert.equal(error.field, 'evaluation.sets.0.file');
    assert.ok(error.fix);
    return error;
  };

  test('is refused with the line, the field and the form', async () => {
    const good = asLines(publishedRows('gsm8k', 3));
    assert.match((await refusal('gsm8k', `${good}{"question": "1+1"}\n`)).message, /\.data:4: no field "answer"/);
    assert.match(
      (await refusal('gsm8k', `${good}\n{"question": "1+1", "answer": "2"}`)).message,
      /:5: "answer" does not end/,
    );
    assert.match((await refusal('gsm8k', `{"question"\n${good}`)).message, /:1: no JSON/);
    const wrongLetter = { question: 'q', options: ['1', '2'], answer_letter: 'C' };
    assert.match((await refusal('supergpqa', JSON.stringify(wrongLetter))).message, /must be one of A, B/);
    assert.match((await refusal('olympiadbench', '{"question": "q", "final_answer": []}')).message, /list of texts/);
    assert.match(
      (await refusal('bbeh', '[{"question": " ", "answer": "x"}]')).message,
      /row 1: "question" must be text/,
    );
    assert.match((await refusal('file', '')).message, /has no question/);
    assert.match((await refusal('minerva', 'PAR1 and nothing else')).message, /no Parquet that can be read/);
    assert.match(
      (await refusal('mmlu-pro', asParquet([{ question: 'q', answer: 'A' }]))).message,
      /row 1: no field "options"/,
    );
    await assert.rejects(readSet('aime24', [join(folder, 'absent')], 'f'), /absent: there is no such file/);
  });

  test('is refused, whatever one of its lines is, with that line', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...LOADER_NAMES),
        fc.nat(5),
        fc.oneof(fc.string({ minLength: 1 }), fc.json(), fc.constant('{"question": 1.5e999}')),
        async (name, at, junk) => {
          const line = junk.replaceAll('\n', ' ');
          fc.pre(line.trim() !== '' && !line.trimStart().startsWith('['));
          const lines = asLines(publishedRows(name, 6)).trimEnd().split('\n');
          lines.splice(at, 0, line);
          fc.pre(!lines[0]!.trimStart().startsWith('['));
          assert.match((await refusal(name, lines.join('\n'))).message, new RegExp(`\\.data:${at + 1}: `));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('answers', () => {
  const grade = (
    loader: string,
    completion: string,
    item: { answer: string; choices?: string[] },
    grader = 'official',
  ) => gradeSample(graderOf({ loader, grader }, preset), completion, { question: 'q', ...item });

  test('to a choice are right by their letter, and wrong without one', () => {
    const item = { answer: 'B', choices: ['1', '2', '3'] };
    for (const name of ['supergpqa', 'mmlu-pro', 'file']) {
      assert.equal(grade(name, 'So \\boxed{B}', item).correct, true);
      assert.equal(grade(name, 'So \\boxed{2}', item).correct, false);
      assert.deepEqual(grade(name, 'I do not know.', item).extracted, null);
    }
  });

  test('to mathematics are graded as published by the official grader, and by the preset otherwise', () => {
    // math-verify is given the box without its dollar signs, and reads no root there.
    assert.equal(grade('math-500', '\\boxed{\\sqrt{16}}', { answer: '4' }).correct, false);
    assert.equal(grade('math-500', '\\boxed{\\sqrt{16}}', { answer: '4' }, 'default').correct, true);
    assert.equal(grade('gsm8k', '\\boxed{18}', { answer: '18.0' }).correct, true);
    assert.equal(grade('gsm8k', 'no box', { answer: '18' }).extracted, null);
  });

  test('to BBEH are matched as it does', () => {
    assert.equal(grade('bbeh', '\\boxed{(A)}', { answer: 'a' }).correct, true);
    assert.equal(grade('bbeh', 'no box', { answer: 'a' }).correct, false);
  });

  test('of most samples decide, and no answers decide nothing', () => {
    const grader = graderOf({ loader: 'supergpqa', grader: 'official' }, preset);
    const item = { question: 'q', answer: 'A', choices: ['1', '2'] };
    assert.equal(majorityIsCorrect(grader, ['B', 'A', null, 'A'], item), true);
    assert.equal(majorityIsCorrect(grader, ['B', 'A', 'A', 'B'], item), false);
    assert.equal(majorityIsCorrect(grader, [null, null], item), false);
  });
});

describe('the units of an evaluation', () => {
  const set = (position: number, loader: string, questions: number, samples: number): RunSet => ({
    runId: 'r',
    position,
    setName: loader,
    loader,
    setHash: 'h',
    items: questions,
    questions,
    samples,
    temperature: 1,
    maxTokens: 8,
    grader: 'official',
    prompt: null,
    area: loaderOf(loader).area,
    measure: loaderOf(loader).measure,
  });

  test('are the two of old without sets', () => {
    const { config } = resolveRunInput({});
    assert.deepEqual(
      evaluationUnits(config, 400, []).map(({ mode, from, to, stream }) => ({ mode, from, to, stream })),
      [
        { mode: 'greedy', from: 0, to: 400, stream: 0 },
        { mode: 'sampled', from: 0, to: 400, stream: 1 },
      ],
    );
    assert.deepEqual(evaluationUnits(config, 0, []), []);
  });

  test('ask every question of every set once in each mode, whatever the size of a shard, in streams of their own', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 90 }), fc.nat(9)), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        (sizes, shardSize, hasHeldOut) => {
          const { config } = resolveRunInput({ evaluation: { shardSize } });
          const sets = sizes.map(([questions, samples], index) => set(index, 'gsm8k', questions, samples));
          const units = evaluationUnits(config, hasHeldOut ? 7 : 0, sets);
          const streams = new Map<number, string>();
          for (const each of sets) {
            for (const mode of ['greedy', 'sampled'] as const) {
              const own = units.filter((unit) => unit.set === each && unit.mode === mode);
              const asked = own.flatMap(({ from, to }) =>
                Array.from({ length: to - from }, (_, index) => from + index),
              );
              const expected = mode === 'sampled' && each.samples === 0 ? 0 : each.questions;
              assert.deepEqual(
                asked,
                Array.from({ length: expected }, (_, index) => index),
              );
              assert.deepEqual(
                own.map(({ isLast }) => isLast),
                own.map((_, index) => index === own.length - 1),
              );
              for (const { stream } of own) {
                const whose = `${each.position} ${mode}`;
                assert.equal(streams.get(stream) ?? whose, whose);
                assert.ok(stream > 1);
                streams.set(stream, whose);
              }
            }
          }
        },
      ),
    );
  });
});

describe('in the run input, a set', () => {
  const refused = (sets: unknown, field: string, message: RegExp) =>
    assert.throws(() => resolveRunInput({ evaluation: { sets } }), { code: 'RunInputInvalid', field, message });

  test('is refused by field when it cannot be', () => {
    refused([{ set: 'gsm9k' }], 'evaluation.sets.0.set', /gsm8k/);
    refused([{ set: 'file' }], 'evaluation.sets.0.file', /not published/);
    refused([{ set: 'gsm8k' }, { set: 'gsm8k' }], 'evaluation.sets.1.name', /a second set "gsm8k"/);
    refused([{ set: 'gsm8k', name: 'held-out' }], 'evaluation.sets.0.name', /come with the model/);
    refused([], 'evaluation.sets', /./);
    assert.throws(() => resolveRunInput({ evaluation: { sets: [{ set: 'gsm8k', sample: 3 }] } }), {
      fix: /set, name, file, questions, samples/,
    });
  });
});
