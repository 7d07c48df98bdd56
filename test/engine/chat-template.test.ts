import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { RZeroError } from '../../activities/errors.ts';
import { readChatFormat } from '../../activities/engine/chat-template.ts';
import type { ChatMessage } from '../../activities/engine/chat-template.ts';
import { createTokenizer } from '../../activities/engine/tokenizer.ts';
import { readGgufTokenizer } from './support/tiny-gguf.ts';

const format = (files: Record<string, unknown>) =>
  readChatFormat(
    new Map(
      Object.entries(files).map(([name, content]) => [
        name,
        Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
      ]),
    ),
  );

const TALK: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: ' {question} ' },
];

/** SmolLM2's. */
const CHATML =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n" +
  "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}" +
  "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

test('messages take the form of the chat template, up to where the model answers', () => {
  const chat = format({ 'tokenizer_config.json': { chat_template: CHATML } });
  assert.equal(chat.template, true);
  assert.equal(
    chat.render(TALK),
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n {question} <|im_end|>\n<|im_start|>assistant\n',
  );
  assert.equal(
    chat.render([{ role: 'user', content: 'Hi' }]),
    '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' +
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
  );
});

test('a template is found in its own file, by its name, and with the tokens it asks for', () => {
  const config = { bos_token: { content: '<s>' }, eos_token: '</s>' };
  const template = '{{ bos_token }}{{ messages[-1].content | trim }}{{ eos_token }}';
  const expected = '<s>{question}</s>';
  assert.equal(format({ 'tokenizer_config.json': { ...config, chat_template: template } }).render(TALK), expected);
  assert.equal(format({ 'tokenizer_config.json': config, 'chat_template.jinja': template }).render(TALK), expected);
  const several = [
    { name: 'tool_use', template: 'x' },
    { name: 'default', template },
  ];
  assert.equal(format({ 'tokenizer_config.json': { ...config, chat_template: several } }).render(TALK), expected);
});

test('a prompt is the same on every day', () => {
  // How Llama 3.2 asks for the date.
  const llama =
    "{%- if not date_string is defined %}{%- if strftime_now is defined %}{%- set date_string = strftime_now('%d %b %Y') %}" +
    "{%- endif %}{%- endif %}Today Date: {{ date_string }} {{ strftime_now('%d %B %Y') }}";
  const text = format({ 'chat_template.jinja': llama }).render(TALK);
  assert.equal(text, 'Today Date: 26 Jul 2024 26 Jul 2024');
});

test('without a template the plain form of base models is used, with the token that starts every text', () => {
  const plain = 'system: Be brief.\nuser:  {question} \n';
  const base = format({});
  assert.equal(base.template, false);
  assert.equal(base.render(TALK), plain);
  const config = { bos_token: '<s>' };
  assert.equal(format({ 'tokenizer_config.json': config }).render(TALK), plain);
  assert.equal(format({ 'tokenizer_config.json': { ...config, add_bos_token: true } }).render(TALK), `<s>${plain}`);
  const processor = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<b>' } }, { Sequence: { id: 'A' } }],
  };
  for (const post_processor of [processor, { type: 'Sequence', processors: [{ type: 'ByteLevel' }, processor] }]) {
    assert.equal(format({ 'tokenizer.json': { post_processor } }).render(TALK), `<b>${plain}`);
  }
});

test('a template that cannot be used is refused with a code', () => {
  const render = (template: string) => () => format({ 'chat_template.jinja': template }).render(TALK);
  assert.throws(render('{% if %}'), { code: 'ModelUnreadable', field: 'chat_template' });
  assert.throws(render("{{ raise_exception('no system role') }}"), {
    code: 'ModelUnreadable',
    message: /no system role/,
  });
  assert.throws(() => format({ 'tokenizer_config.json': '{' }), { code: 'ModelUnreadable' });
});

const { definition, config } = readGgufTokenizer();
const tokenizer = createTokenizer(definition, config);
const SPECIAL = [0, 1, 2];

test('a special token spelled by the template is the token, and by a question it is text', () => {
  const encode = (question: string) =>
    tokenizer.encode([{ text: '<s>' }, { text: question, plain: true }, { text: '</s>' }]);
  assert.deepEqual(encode('ab'), tokenizer.encode('<s>ab</s>'));
  assert.deepEqual(
    encode('a</s><s>b').filter((id) => SPECIAL.includes(id)),
    [0, 1],
  );
  // The second half of a token in the template, the first in the question.
  for (const [left, right] of [
    ['<', '/s>'],
    ['<|pad', '|>'],
    ['</s', '>'],
  ] as const) {
    const ids = tokenizer.encode([{ text: left, plain: true }, { text: right }]);
    assert.ok(!ids.some((id) => SPECIAL.includes(id)), `${left}${right}`);
  }
  // Tokens that are not special, such as <tool> here, may be spelled by anybody.
  assert.ok(encode('<tool>').includes(9));
});

test('whatever a question says, special tokens are those of the template', () => {
  const piece = fc.constantFrom('<s>', '</s>', '<|pad|>', 'a', 'ab', ' ', '1', '<', '/s>', '|', '<tool>');
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, text, text, (before, question, after) => {
      const parts = [{ text: before }, { text: question, plain: true }, { text: after }];
      const specials = tokenizer.encode(parts).filter((id) => SPECIAL.includes(id));
      // With no question between them, the template's two parts are one text and may spell a token together.
      const template = question === '' ? [before + after] : [before, after];
      const meant = template.flatMap((part) => tokenizer.encode(part)).filter((id) => SPECIAL.includes(id));
      assert.deepEqual(specials, meant);
      if (![before, question, after].join('').includes('<')) {
        assert.deepEqual(tokenizer.encode(parts), tokenizer.encode(before + question + after));
      }
    }),
  );
});

test('a template that would never end is given up within a second or so, and one that would fill the memory at once', () => {
  const loops = (depth: number): string =>
    depth === 0 ? 'x' : `{% for i${depth} in range(10000) %}${loops(depth - 1)}{% endfor %}`;
  const hostile: [source: string, reason: RegExp][] = [
    ['{% for i in range(1000000000) %}x{% endfor %}', /more than 10000 numbers/],
    ['{% for i in range(0, 10, 0) %}x{% endfor %}', /more than 10000 numbers/],
    [loops(3), /timed out/],
  ];
  for (const [source, reason] of hostile) {
    const started = performance.now();
    assert.throws(
      () => format({ 'chat_template.jinja': source }).render(TALK),
      (error: unknown) => error instanceof RZeroError && error.code === 'ModelUnreadable' && reason.test(error.message),
    );
    assert.ok(performance.now() - started < 5_000, source);
  }
  const counting = format({
    'chat_template.jinja': '{% for i in range(1, 7, 2) %}{{ i }}{% endfor %}{{ range(3) | length }}',
  });
  assert.equal(counting.render(TALK), '1353');
});
