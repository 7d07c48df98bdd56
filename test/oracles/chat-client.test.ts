import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { askChat } from '../../activities/oracles/chat-client.ts';
import type { ChatServer } from '../../activities/oracles/chat-client.ts';
import { startChatServer } from '../support/chat-server.ts';
import type { Respond } from '../support/chat-server.ts';

const MESSAGES = [{ role: 'user' as const, content: 'What is 1+1?' }];
const KEY = 'sk-very-secret';

describe('a request to a judge', () => {
  /** One way to misbehave after another, then an answer. */
  async function ask(misbehaviour: Respond[], change: Partial<ChatServer> = {}) {
    const waits: number[] = [];
    let calls = 0;
    const server = await startChatServer((request, response) => {
      const respond = misbehaviour[calls++];
      return respond ? respond(request, response) : { text: 'two' };
    });
    const settings: ChatServer = {
      baseUrl: server.baseUrl,
      model: 'm',
      temperature: 0,
      maxTokens: 9,
      timeoutSeconds: 0.3,
      tries: 3,
      apiKey: KEY,
      mustCount: false,
      wait: (milliseconds) => Promise.resolve(waits.push(milliseconds)),
      ...change,
    };
    let told = 0;
    try {
      const reply = await askChat(settings, MESSAGES, () => told++);
      return { reply, error: undefined, waits, told, server };
    } catch (error) {
      return { reply: undefined, error: error as Error & { code: string }, waits, told, server };
    } finally {
      await server.close();
    }
  }

  const status =
    (code: number, headers: Record<string, string> = {}): Respond =>
    (_, response) => {
      response.writeHead(code, headers).end(`{"error": "no, ${KEY}"}`);
      return undefined;
    };
  const body =
    (text: string): Respond =>
    (_, response) => {
      response.end(text);
      return undefined;
    };

  test('has the form of the protocol, and the key in its header alone', async () => {
    const { reply, server } = await ask([]);
    const [{ headers, ...sent }] = server.requests as [(typeof server.requests)[0]];
    assert.deepEqual(sent, { model: 'm', messages: MESSAGES, temperature: 0, max_tokens: 9, stream: false });
    assert.equal(headers.authorization, `Bearer ${KEY}`);
    assert.equal(reply?.text, 'two');
    assert.deepEqual({ ...reply?.cost, seconds: 0 }, { calls: 1, promptTokens: 10, completionTokens: 5, seconds: 0 });
    const without = await ask([], { apiKey: undefined });
    assert.equal(without.server.requests[0]?.headers.authorization, undefined);
  });

  test('is tried again when the server is busy, fails, is silent, hangs up or answers rubbish', async () => {
    const silent: Respond = () => new Promise(() => undefined);
    const hangUp: Respond = (_, response) => void response.destroy();
    const half: Respond = (_, response) =>
      void response.writeHead(200, { 'content-length': '99' }).write('{"choices":');
    for (const fault of [
      status(429),
      status(500),
      status(503),
      status(408),
      silent,
      hangUp,
      half,
      body('<html>busy</html>'),
      body('{"choices": []}'),
      body('{"choices": [{"message": {"content": 7}}]}'),
      body(''),
    ]) {
      const { reply, error, waits, told } = await ask([fault]);
      assert.equal(error, undefined);
      assert.equal(reply?.cost.calls, 2);
      assert.equal(told, 2, 'every request is counted');
      assert.deepEqual(waits, [500]);
    }
  });

  test('waits as long as the server asks, in seconds or to a date, and never for ever', async () => {
    assert.deepEqual((await ask([status(429, { 'retry-after': '7' })])).waits, [7000]);
    assert.deepEqual((await ask([status(429, { 'retry-after': '86400' })])).waits, [30_000]);
    const date = new Date(Date.now() + 20_000).toUTCString();
    const [wait] = (await ask([status(503, { 'retry-after': date })])).waits;
    assert.ok(wait! > 15_000 && wait! <= 20_000);
    assert.deepEqual((await ask([status(500), status(500)])).waits, [500, 1000]);
  });

  test('fails after its tries with what was wrong, and never repeats what the server said', async () => {
    const { error, told } = await ask([status(500), status(429), status(502)]);
    assert.equal(told, 3);
    assert.equal(error?.code, 'JudgeUnavailable');
    assert.match(error.message, /no answer in 3 tries: status 502/);
    assert.ok(!error.message.includes(KEY));
    const down = await startChatServer(() => undefined);
    await down.close();
    const refused = await ask([], { baseUrl: down.baseUrl });
    assert.equal(refused.error?.code, 'JudgeUnavailable');
    assert.match(refused.error.message, /ECONNREFUSED/);
  });

  test('is not tried again when that cannot help, and the message says what can', async () => {
    for (const [code, fix] of [
      [401, /R_ZERO_JUDGE_API_KEY/],
      [403, /R_ZERO_JUDGE_API_KEY/],
      [404, /has the model "m"/],
      [400, /has the model "m"/],
    ] as const) {
      const { error, told } = await ask([status(code)]);
      assert.equal(told, 1);
      assert.equal(error?.code, 'JudgeUnfit');
      assert.match(error.message, fix);
      assert.ok(!error.message.includes(KEY));
    }
    const uncounted = await ask([body('{"choices": [{"message": {"content": "two"}}]}')], { mustCount: true });
    assert.match(uncounted.error?.message ?? '', /does not say how many tokens/);
  });

  test('takes the key to no other address', async () => {
    const other = await startChatServer(() => ({ text: 'stolen' }));
    const elsewhere = status(307, { location: `${other.baseUrl}/chat/completions` });
    const { error } = await ask([elsewhere, elsewhere, elsewhere]);
    assert.equal(error?.code, 'JudgeUnavailable');
    assert.deepEqual(other.requests, []);
  });

  test('ends at an abort, and an answer without end is given up', async () => {
    const controller = new AbortController();
    const server = await startChatServer(() => new Promise(() => undefined));
    const settings = { model: 'm', temperature: 0, maxTokens: 9, timeoutSeconds: 60, tries: 3, mustCount: false };
    const asked = askChat({ ...settings, baseUrl: server.baseUrl }, MESSAGES, () => undefined, controller.signal);
    setTimeout(() => controller.abort(new Error('stopped by hand')), 50);
    await assert.rejects(asked, /stopped by hand/);
    const endless: Respond = (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
      };
      response.on('drain', more);
      more();
      return undefined;
    };
    const { reply } = await ask([endless], { timeoutSeconds: 20 });
    assert.equal(reply?.cost.calls, 2);
  });
});
