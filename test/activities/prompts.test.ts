import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { getPreset } from '../../activities/method/presets.ts';
import { parseChallengerOutput } from '../../activities/method/question-parser.ts';
import { extractBoxed } from '../../activities/method/boxed.ts';
import { asWritten, challengerPrompt, loadProfile, solverPrompt } from '../../activities/profile.ts';
import { promptNames } from '../../activities/prompt-files.ts';
import { SHIPPED } from '../conformance/shipped.ts';
import { loadVectors } from '../conformance/vectors.ts';
import { temporaryFolder } from '../engine/support/models.ts';

const textOf = (parts: readonly { text: string }[]): string => parts.map(({ text }) => text).join('');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const TEMPLATE = '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}';

/** As the public code has them. */
function recordedPrompts() {
  const { prompts } = loadVectors(SHIPPED[0] as URL);
  assert.ok(prompts);
  return prompts;
}

describe('the prompts that come with the package', () => {
  test('all can be used on a model without a template', async (t) => {
    const folder = await temporaryFolder(t);
    assert.deepEqual(promptNames(), ['few-shot', 'official']);
    for (const name of promptNames()) {
      const { profile, hash } = await loadProfile(folder, name);
      assert.match(hash, /^[0-9a-f]{64}$/);
      assert.match(textOf(solverPrompt(profile, '1 + 1?')), /1 \+ 1\?/);
    }
  });

  test('the official ones are the public code’s words, and what a model without its own is asked', async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, 'chat_template.jinja'), TEMPLATE);
    const { profile, hash } = await loadProfile(folder);
    const { challenger_system_training: system, challenger_user: user, solver_system: solver } = recordedPrompts();
    const asked = /^\[system\]([^]*)\[user\]([^]*)$/.exec(textOf(challengerPrompt(profile)));
    assert.equal(sha256(asked?.[1] ?? ''), system.sha256);
    assert.equal(asked?.[2], user.text);
    assert.equal(profile.solver.prompt, `[system]${solver.text}[user]{question}`);
    assert.equal((await loadProfile(folder, 'official')).hash, hash);
  });

  test('have the hash that stored runs know them by; an edit, however small, is another version', async (t) => {
    const { hash } = await loadProfile(await temporaryFolder(t), 'few-shot');
    assert.equal(hash.slice(0, 16), '7e3406c3099dd016');
  });

  test('few-shot examples are in the form that is asked for, and true to the parser', async (t) => {
    const { profile } = await loadProfile(await temporaryFolder(t), 'few-shot');
    const { prompt, prefill } = profile.challenger;
    const examples = prompt.split('\n').filter((line) => line.startsWith('<question>'));
    assert.equal(examples.length, 4);
    for (const example of examples) {
      const written = example.slice(prefill!.length);
      const parsed = parseChallengerOutput(asWritten(profile, written), getPreset('default'));
      assert.equal(parsed.status, 'valid', example);
    }
    const answers = profile.solver.prompt.split('\n').filter((line) => line.startsWith('Answer: '));
    assert.equal(answers.length, 3);
    for (const answer of answers) assert.match(extractBoxed(answer) ?? '', /^\d+$/);
    assert.ok(profile.solver.prompt.endsWith('\nAnswer:'), 'a space at the end would be a token of its own');
  });
});

describe('a prefill', () => {
  test('ends the prompt and begins the answer, and is no part of what is stored', async (t) => {
    const { profile } = await loadProfile(await temporaryFolder(t), 'few-shot');
    assert.ok(textOf(challengerPrompt(profile)).endsWith('\n<question>'));
    const stored = 'What is 1 + 1?</question> \\boxed{2}';
    const preset = getPreset('default');
    assert.deepEqual(parseChallengerOutput(asWritten(profile, stored), preset), {
      status: 'valid',
      reason: null,
      question: 'What is 1 + 1?',
      answer: '2',
    });
    assert.equal(parseChallengerOutput(stored, preset).reason, 'no_question_tags');
  });

  test('of a question begun twice does not get into it', async (t) => {
    const { profile } = await loadProfile(await temporaryFolder(t), 'few-shot');
    const twice = asWritten(profile, '<question>2 + 2?</question> \\boxed{4}');
    assert.equal(parseChallengerOutput(twice, getPreset('default')).question, '2 + 2?');
  });
});

describe('a run’s choice of prompts', () => {
  const file = { version: 1, challenger: { prompt: 'C', stop: ['\n'] }, solver: { prompt: 'Q{question}' } };

  test('a path counts for more than the model’s own file, and its hash is of what it says', async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, 'r-zero.json'), JSON.stringify({ ...file, challenger: { prompt: 'own' } }));
    const path = join(folder, 'mine.json');
    await writeFile(path, JSON.stringify(file, null, 4));
    const { profile, hash } = await loadProfile(folder, path);
    assert.deepEqual(profile, file);
    assert.equal(hash, sha256(JSON.stringify(file)));
    const { challenger, solver, version } = file;
    await writeFile(path, JSON.stringify({ solver, challenger, version }));
    assert.equal((await loadProfile(folder, path)).hash, hash, 'the order of its fields is nothing it says');
    assert.equal((await loadProfile(folder)).profile.challenger.prompt, 'own');
    assert.notEqual((await loadProfile(folder)).hash, hash);
  });

  test('what is not there, or holds a field that nobody reads, is refused', async (t) => {
    const folder = await temporaryFolder(t);
    await assert.rejects(loadProfile(folder, 'fewshot'), (error: Error & { code?: string; field?: string }) => {
      assert.equal(error.code, 'RunInputInvalid');
      assert.equal(error.field, 'prompts');
      assert.match(error.message, /few-shot or official/);
      return true;
    });
    const path = join(folder, 'mine.json');
    for (const wrong of [
      { ...file, challenger: { prompt: 'C', stops: ['\n'] } },
      { ...file, solver: { prompt: 'Q{question}', prefill: 'x' } },
      { ...file, solver: { prompt: 'Q{question}', stop: [''] } },
      { ...file, pattern: 'x' },
    ]) {
      await writeFile(path, JSON.stringify(wrong));
      await assert.rejects(loadProfile(folder, path), { code: 'ModelUnreadable', field: 'prompts' });
    }
  });
});
