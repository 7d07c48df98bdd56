/**
 * A language model as an oracle: it is tested on known cases first, then asked about a sample of an iteration's labels. Each verdict is
 * stored as it comes, so that whoever asks again asks only what is not there.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { RZeroError } from '../errors.ts';
import { deriveSeed } from '../method/seeds.ts';
import { addOracle, findOracle, readAsked, readSpent, readVotedLabels } from '../../db/queries/oracles.ts';
import type { OracleRow, Spent, VotedLabel } from '../../db/queries/oracles.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import { askChat } from './chat-client.ts';
import type { ChatServer } from './chat-client.ts';
import { loadJudgePrompt, messagesFor, promptHash, readReply } from './judge-prompt.ts';
import type { JudgePrompt } from './judge-prompt.ts';
import type { Claim, Cost, Verdict } from './oracle.ts';
import { stratifiedSample } from './sample.ts';
import type { JudgeSettings } from './settings.ts';
import { storeVerdict } from './verdict.ts';

/** Characters of a reply that are stored. */
export const MOST_REPLY = 4_000;
/** One case in so many may fail. */
const CASES_A_FAILURE = 8;

export interface JudgeRequest {
  run: RunRow;
  iteration: number;
  settings: JudgeSettings;
  apiKey: string | undefined;
  codeVersion: string;
  onProgress?: (done: { asked: number; of: number }) => void;
  signal?: AbortSignal;
  wait?: ChatServer['wait'];
}

export interface JudgeReport extends Record<string, number> {
  labelled: number;
  /** Drawn to be judged. */
  drawn: number;
  /** Of these, stored before. */
  stored: number;
  asked: number;
  agreeing: number;
  undecided: number;
  /** Drawn, and left for want of budget. */
  unasked: number;
  /** Of this request, the self-test apart. */
  calls: number;
  tokens: number;
}

/** Ends the asking, and is no failure. */
class BudgetSpent extends Error {}

export const judgeName = ({ model }: Pick<JudgeSettings, 'model'>): string => `judge:${model}`;

/** @throws RZeroError `JudgeUnfit`, `JudgeUnavailable`, `RunInputInvalid`, `DatabaseBehind` when the run is reset meanwhile; what was said until then is stored */
export async function judgeLabels(pool: pg.Pool, request: JudgeRequest): Promise<JudgeReport> {
  const { run, iteration, settings } = request;
  const prompt = loadJudgePrompt(settings.prompt);
  const oracle = await fitJudge(pool, request, prompt);
  const labelled = await readVotedLabels(pool, run.runId, iteration);
  const place = { iteration, phase: 'audit', unit: 0, item: 0, sample: 0 };
  const seed = deriveSeed({ runSeed: run.seed, ...place, stream: 'judge' });
  const drawn = stratifiedSample(labelled, settings.questions, seed);
  const known = await readAsked(pool, oracle.oracleId, iteration);
  const open = drawn.filter(({ questionId }) => !known.has(questionId));
  const report: JudgeReport = {
    labelled: labelled.length,
    drawn: drawn.length,
    stored: drawn.length - open.length,
    asked: 0,
    agreeing: 0,
    undecided: 0,
    unasked: 0,
    calls: 0,
    tokens: 0,
  };
  const spend = budgetOf(settings, await readSpent(pool, run.runId, oracle.oracle));
  const server = serverOf(request);
  const judgeOne = async ({ questionId, ...claim }: VotedLabel): Promise<void> => {
    const verdict = await ask(server, prompt, claim, oracle.version, spend.call, request.signal);
    const { version: _, cost, ...said } = verdict;
    await storeVerdict(pool, { run, iteration, oracle, questionId, label: claim.label }, { ...said, ...cost });
    const tokens = (cost?.promptTokens ?? 0) + (cost?.completionTokens ?? 0);
    spend.reply(tokens);
    report.asked++;
    report.calls += cost?.calls ?? 0;
    report.tokens += tokens;
    if (verdict.agrees === null) report.undecided++;
    else if (verdict.agrees) report.agreeing++;
    request.onProgress?.({ asked: report.asked, of: open.length });
  };
  await inParallel(open, settings.concurrency, judgeOne);
  report.unasked = open.length - report.asked;
  return report;
}

/** A judge whose definition is stored has passed. */
async function fitJudge(pool: pg.Pool, request: JudgeRequest, prompt: JudgePrompt): Promise<OracleRow> {
  const { run, settings, codeVersion } = request;
  const oracle = judgeName(settings);
  const definition = definitionOf(settings, prompt);
  const definitionHash = hashDefinition(definition);
  const known = await findOracle(pool, run.runId, oracle, definitionHash);
  if (known) return known;
  const spend = budgetOf(settings, await readSpent(pool, run.runId, oracle));
  const selfTest = await testJudge(request, prompt, spend);
  return addOracle(pool, {
    runId: run.runId,
    kind: 'judge',
    oracle,
    definition,
    definitionHash,
    selfTest,
    codeVersion,
  });
}

export interface JudgeDefinition {
  baseUrl: string;
  model: string;
  temperature: number;
  maxTokens: number;
  prompt: JudgePrompt;
  promptHash: string;
}

/** All that a verdict depends on. */
function definitionOf({ baseUrl, model, temperature, maxTokens }: JudgeSettings, prompt: JudgePrompt): JudgeDefinition {
  return { baseUrl, model, temperature, maxTokens, prompt, promptHash: promptHash(prompt) };
}

/** The same for a definition that a database has given back with its fields in another order. */
export function hashDefinition({ baseUrl, model, temperature, maxTokens, prompt }: JudgeDefinition): string {
  const fields = [baseUrl, model, temperature, maxTokens, promptHash(prompt)];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/**
 * Asks cases whose verdict is known, so that nobody audits a run with a prompt that swaps question and answer, or a model that says
 * yes to everything.
 *
 * @throws RZeroError `JudgeUnfit`, which names the first case that failed
 */
async function testJudge(
  request: JudgeRequest,
  prompt: JudgePrompt,
  spend: Budget,
): Promise<Cost & { cases: number; passed: number }> {
  const server = serverOf(request);
  const cost: Cost = { calls: 0, promptTokens: 0, completionTokens: 0, seconds: 0 };
  const failed: string[] = [];
  const test = async ({ question, answer, correct }: JudgePrompt['cases'][number]): Promise<void> => {
    const verdict = await ask(server, prompt, { question, label: answer }, 0, spend.call, request.signal);
    for (const name of ['calls', 'promptTokens', 'completionTokens', 'seconds'] as const) {
      cost[name] += verdict.cost?.[name] ?? 0;
    }
    if (verdict.agrees !== correct) failed.push(`${JSON.stringify(answer)} to ${JSON.stringify(question)}`);
  };
  const { cases } = prompt;
  const left = await inParallel(cases, request.settings.concurrency, test);
  if (left > 0) {
    throw new RZeroError('RunInputInvalid', 'The budget of the judge ends before its self-test does.', {
      field: 'oracles.judge.maxCalls',
      fix: `Allow ${cases.length} calls for it, and some for the labels.`,
    });
  }
  if (failed.length * CASES_A_FAILURE > cases.length) {
    throw new RZeroError(
      'JudgeUnfit',
      `The judge ${request.settings.model} fails ${failed.length} of ${cases.length} known cases, as ${failed[0]}.`,
      {
        field: 'oracles.judge',
        fix: 'Choose a stronger model, or correct the prompt (which question and answer it shows, and that it asks for a box).',
      },
    );
  }
  return { ...cost, cases: cases.length, passed: cases.length - failed.length };
}

async function ask(
  server: ChatServer,
  prompt: JudgePrompt,
  claim: Claim,
  version: number,
  onCall: () => void,
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  const { text, cost } = await askChat(server, messagesFor(prompt, claim), onCall, signal);
  return { version, ...readReply(prompt, claim, text), reply: text.slice(0, MOST_REPLY), cost };
}

function serverOf({ settings, apiKey, wait }: JudgeRequest): ChatServer {
  const { baseUrl, model, temperature, maxTokens, timeoutSeconds, tries, maxTotalTokens } = settings;
  const mustCount = maxTotalTokens !== undefined;
  const server = { baseUrl, model, temperature, maxTokens, timeoutSeconds, tries, mustCount, apiKey };
  return wait ? { ...server, wait } : server;
}

interface Budget {
  /** Before each request. @throws BudgetSpent */
  call: () => void;
  /** After each reply. */
  reply: (tokens: number) => void;
}

function budgetOf({ maxCalls = Infinity, maxTotalTokens = Infinity }: JudgeSettings, spent: Spent): Budget {
  let { calls, tokens } = spent;
  return {
    call: () => {
      if (calls >= maxCalls || tokens >= maxTotalTokens) throw new BudgetSpent();
      calls++;
    },
    reply: (more) => (tokens += more),
  };
}

/**
 * Works through `items`, some at a time; the first failure ends it once those under way are done.
 *
 * @returns how many were left because the budget was spent
 */
async function inParallel<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<number> {
  const queue = items.values();
  let done = 0;
  let failure: { error: unknown } | undefined;
  let isSpent = false;
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      try {
        await work(item);
        done++;
      } catch (error) {
        if (error instanceof BudgetSpent) isSpent = true;
        else failure ??= { error };
      }
      if (failure || isSpent) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure) throw failure.error;
  return items.length - done;
}
