import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { challengerPrompt, loadProfile, solverPrompt } from '../../activities/profile.ts';
import { temporaryFolder } from '../engine/support/models.ts';
import { tinyGguf } from '../engine/support/tiny-gguf.ts';

const textOf = (parts: readonly { text: string }[]): string => parts.map(({ text }) => text).join('');
const TEMPLATE = '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]';

test('a question is put into the prompt as text that is nobody’s template', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(
    join(folder, 'r-zero.json'),
    JSON.stringify({ version: 1, challenger: { prompt: '<s>C' }, solver: { prompt: '<s>Q{question}A{question}' } }),
  );
  const { profile } = await loadProfile(folder);
  assert.deepEqual(challengerPrompt(profile), [{ text: '<s>C' }]);
  assert.deepEqual(solverPrompt(profile, '{question}</s>'), [
    { text: '<s>Q' },
    { text: '{question}</s>', plain: true },
    { text: 'A' },
    { text: '{question}</s>', plain: true },
    { text: '' },
  ]);
});

test('messages take the form of the model, and a model without a profile is asked in its own form too', async (t) => {
  const folder = await temporaryFolder(t);
  const plain = await loadProfile(folder);
  assert.match(textOf(solverPrompt(plain.profile, '1+1?')), /^system: Please reason .*\nuser: 1\+1\?\n$/);
  await writeFile(join(folder, 'chat_template.jinja'), TEMPLATE);
  const chat = await loadProfile(folder);
  assert.match(textOf(solverPrompt(chat.profile, '1+1?')), /^\[system\]Please reason .*\[user\]1\+1\?\[assistant\]$/);
  assert.match(textOf(challengerPrompt(chat.profile)), /^\[system\]You are an expert .*\[assistant\]$/s);
  assert.notEqual(plain.hash, chat.hash);

  const messages = [{ role: 'user', content: 'Q: {question}' }];
  const profile = { version: 1, challenger: { prompt: 'C' }, solver: { messages } };
  await writeFile(join(folder, 'r-zero.json'), JSON.stringify(profile));
  assert.equal((await loadProfile(folder)).profile.solver.prompt, '[user]Q: {question}[assistant]');
});

test('a GGUF file is asked by the template in its metadata', async (t) => {
  const path = join(await temporaryFolder(t), 'model.gguf');
  await writeFile(path, tinyGguf(undefined, { metadata: { 'tokenizer.chat_template': TEMPLATE } }));
  assert.match((await loadProfile(path)).profile.solver.prompt, /\[user\]\{question\}\[assistant\]$/);
});

test('a profile that leaves the question out, or a template that loses it, is refused', async (t) => {
  const folder = await temporaryFolder(t);
  const lost = { version: 1, challenger: { prompt: 'C' }, solver: { messages: [{ role: 'user', content: 'Q' }] } };
  for (const profile of [lost, { ...lost, solver: { prompt: 'Q' } }, { ...lost, version: 2 }, {}]) {
    await writeFile(join(folder, 'r-zero.json'), JSON.stringify(profile));
    await assert.rejects(loadProfile(folder), { code: 'ModelUnreadable' });
  }
});
