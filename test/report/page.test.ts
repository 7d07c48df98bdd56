import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseHTML } from 'linkedom';
import type pg from 'pg';
import { makeReport } from '../../infra/report/report.ts';
import type { ReportRequest } from '../../infra/report/report.ts';
import { temporaryFolder } from '../support/activities.ts';
import { openBrowser } from '../support/browser.ts';
import type { Page } from '../support/browser.ts';
import { faintTexts } from '../support/contrast.ts';
import { PHASE_ORDER } from '../../activities/phases.ts';
import { transaction } from '../../db/client.ts';
import { insertRunInput } from '../../db/queries/run-inputs.ts';
import { getRun } from '../../db/queries/runs.ts';
import { insertTake } from '../../db/queries/takes.ts';
import { createDatabase } from '../support/postgres.ts';
import { finishUnit } from '../support/rows.ts';
import { storeRun } from '../support/stored-run.ts';

const browser = await openBrowser();
const HOSTILE = [
  '<script>window.harmed = 1</script>What is 1+1?',
  '</script><img src=x onerror="window.harmed = 2"><!-- 2+2',
  'right \u202eto left\u202c and \u2066back\u2069',
  'half a pair \ud800 here',
  `"'&amp;lt;`,
];

type Cells = readonly string[];

/** Rows of a table of the page, heads of rows included, without no-break spaces. */
function tableOf(page: string, id: string): Cells[] {
  const { document } = parseHTML(page);
  const rows = [...document.querySelectorAll(`#${id} tbody tr`)];
  assert.ok(rows.length > 0, `no table ${id}`);
  return rows.map((row) => [...row.children].map((cell) => (cell.textContent ?? '').replaceAll('\u00a0', ' ').trim()));
}

const percent = (value: unknown): string => (typeof value === 'number' ? `${(value * 100).toFixed(1)} %` : '–');

describe('the report', () => {
  let pool: pg.Pool;
  let folder: string;
  let page: string;
  let address: string;

  const write = async (request: ReportRequest): Promise<string> => {
    const { page: text } = await makeReport(pool, request);
    const file = join(folder, `${crypto.randomUUID()}.html`);
    await writeFile(file, text);
    return pathToFileURL(file).href;
  };
  const rows = async (statement: string): Promise<Record<string, unknown>[]> =>
    (await pool.query<Record<string, unknown>>(statement)).rows;

  before(async () => {
    folder = temporaryFolder();
    ({ pool } = await createDatabase());
    await storeRun(pool, 'run', { texts: HOSTILE });
    await storeRun(pool, 'other', { seed: 2, control: 'random-reward', gain: 0 });
    ({ page } = await makeReport(pool, { runId: 'run' }));
    address = await write({ runId: 'run' });
  });

  test('equal rows make equal bytes', async () => {
    assert.equal((await makeReport(pool, { runId: 'run' })).page, page);
  });

  test('says in its tables what the views say', async () => {
    const summaries = await rows(`select * from r_zero.iteration_summary where run_id = 'run' order by iteration`);
    const accuracy = tableOf(page, 'accuracy-held-out');
    const worked = tableOf(page, 'worked-held-out');
    assert.equal(accuracy.length, 3);
    for (const [index, row] of summaries.entries()) {
      assert.deepEqual(
        [accuracy[index]![1], accuracy[index]![4], accuracy[index]![7], worked[index]![1], worked[index]![3]],
        ['greedy_accuracy', 'sampled_accuracy', 'majority_accuracy', 'worked_share', 'worked_accuracy'].map((name) =>
          percent(row[name]),
        ),
      );
    }
    const last = summaries.at(-1)!;
    const key = tableOf(page, 'key-numbers');
    assert.deepEqual(
      key.map(([, base, , final]) => [base, final]),
      [
        ...['greedy_accuracy', 'sampled_accuracy', 'majority_accuracy', 'worked_share', 'worked_accuracy'].map(
          (name) => [percent(summaries[0]![name]), percent(last[name])],
        ),
        [percent(summaries[1]!['label_accuracy']), percent(last['label_accuracy'])],
      ],
    );
    const funnel = await rows(`select * from r_zero.funnel where run_id = 'run' order by iteration`);
    assert.deepEqual(
      tableOf(page, 'funnel-stages').map((cells) => cells.slice(0, 5)),
      funnel.map((row) => ['iteration', 'generated', 'parsed', 'voted', 'kept'].map((name) => String(row[name]))),
    );
    const reasons = await rows(
      `select stage, sum(questions)::int as questions from r_zero.funnel_reasons where run_id = 'run' group by stage, reason`,
    );
    const sums = (list: [string, number][]) => list.map(([stage, n]) => `${stage} ${n}`).sort();
    assert.deepEqual(
      sums(tableOf(page, 'funnel-reasons').map((cells) => [cells[1]!, Number(cells.at(-1))])),
      sums(reasons.map((row) => [row['stage'] as string, row['questions'] as number])),
    );
    const labels = await rows(
      `select iteration, audited, agreeing, label_accuracy from r_zero.label_accuracy
       where run_id = 'run' and kept and oracle = 'computed' order by iteration`,
    );
    assert.deepEqual(
      tableOf(page, 'labels-computed').map((cells) => cells.slice(0, 4)),
      labels.map((row) => [
        ...['iteration', 'audited', 'agreeing'].map((name) => String(row[name])),
        percent(row['label_accuracy']),
      ]),
    );
    for (const role of ['challenger', 'solver']) {
      const steps = await rows(
        `select * from r_zero.training_steps where run_id = 'run' and role = '${role}' order by iteration, step`,
      );
      assert.deepEqual(
        tableOf(page, `steps-${role}`).map((cells) => [cells[0], cells[1], cells[2], cells[3]]),
        steps.map((row) => [
          String((row['step'] as number) + 1),
          String(row['iteration']),
          String(row['rollouts']),
          (row['mean_reward'] as number).toFixed(3),
        ]),
      );
    }
    const judged = await rows(
      `select * from r_zero.alarms where run_id = 'run' order by iteration, phase = 'audit', phase, alarm`,
    );
    assert.deepEqual(
      tableOf(page, 'alarms-all').map((cells) => [cells[0], cells[2], cells[3], cells[4], cells[5], cells[6]]),
      judged.map((row) => [
        String(row['iteration']),
        row['alarm'],
        row['value'] === null ? '–' : String(row['value'] as number),
        String(row['threshold']),
        'no',
        row['message'],
      ]),
    );
    const times = await rows(
      `select iteration, sum(seconds)::float8 as seconds from r_zero.phase_progress where run_id = 'run' group by 1 order by 1`,
    );
    assert.deepEqual(
      tableOf(page, 'phase-seconds').map((cells) => cells.at(-1)),
      times.map((row) => {
        const seconds = row['seconds'] as number;
        return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
      }),
    );
  });

  test('gives intervals that hold what they measure, and gains that are paired by question', async () => {
    const greedy = tableOf(page, 'accuracy-held-out').map((cells) => cells.slice(0, 4));
    for (const [, value, interval] of greedy) {
      const [low, high] = interval!.split('–').map(Number);
      const measured = Number.parseFloat(value!);
      assert.ok(low! < measured && measured < high!, `${value} in ${interval}`);
    }
    const [paired] = await rows(
      `select avg(a.correct::int - b.correct::int)::float8 as gain from r_zero.evaluations ea
       join r_zero.evaluation_items a using (evaluation_id)
       join r_zero.evaluations eb on eb.run_id = 'run' and eb.iteration = 0 and eb.mode = 'greedy'
       join r_zero.evaluation_items b on b.evaluation_id = eb.evaluation_id and b.item = a.item
       where ea.run_id = 'run' and ea.iteration = 2 and ea.mode = 'greedy'`,
    );
    const gain = ((paired!['gain'] as number) * 100).toFixed(1);
    assert.ok(greedy[2]![3]!.startsWith(`+${gain} (`), `${greedy[2]![3]} begins with +${gain}`);
  });

  test('says so when it cannot tell a difference, and when nothing was measured', async () => {
    const { page: control } = await makeReport(pool, { runId: 'other' });
    const { document } = parseHTML(control);
    assert.match(
      document.querySelector('.verdict')?.textContent ?? '',
      /^\s*No difference that these questions can tell/,
    );
    assert.match(document.querySelector('#answer')?.textContent ?? '', /A control: every reward/);
    await assert.rejects(makeReport(pool, { runId: 'nowhere' }), { code: 'RunNotFound' });
  });

  test('tells of attempts that failed', async () => {
    await pool.query(
      `insert into r_zero.attempts (run_id, iteration, phase, unit, attempt, workflow_id, worker_pid, outcome, error_code, error_message, finished_at)
       values ('other', 1, 'labelling', 0, 1, 'w', 1, 'failed', 'EngineCrashed', 'The <b>engine</b> ended.', now())`,
    );
    const { page: text } = await makeReport(pool, { runId: 'other' });
    assert.match(
      tableOf(text, 'attempts')[0]!.join(' '),
      /Labelling by vote failed 1 1 .*EngineCrashed: The <b>engine<\/b> ended\./,
    );
    assert.ok(!text.includes('<b>engine'));
  });

  test('says in a line that a run is well, and of one that was rolled back what was found, done and done again', async () => {
    const { document: healthy } = parseHTML(page);
    const said = (document: typeof healthy, id: string) =>
      document.querySelector(id)?.textContent.replaceAll(/\s+/g, ' ').trim();
    assert.match(
      said(healthy, '#alarms > p') ?? '',
      /^No alarm is raised: 6 judgements at the ends of 6 phases, 2 of which had nothing to compare\.$/,
    );
    assert.equal(healthy.querySelector('#alarms-raised, #takes'), null);
    assert.doesNotMatch(said(healthy, '#answer') ?? '', /Alarms/);
    await storeRun(pool, 'warned', { seed: 3 });
    const { page: before } = await makeReport(pool, { runId: 'warned' });
    await pool.query(
      `insert into r_zero.alarms (run_id, iteration, phase, alarm, raised, action, value, threshold, message) values
         ('warned', 1, 'evaluation', 'belowBase', true, 'note', 3.5, 3.09, 'Below <b>base</b>.'),
         ('warned', 2, 'solver_training', 'kl', true, 'rollback', 0.759, 0.5, '<script>window.harmed = 3</script>')`,
    );
    const run = await getRun(pool, 'warned');
    await transaction(pool, async (client) => {
      await insertRunInput(client, {
        runId: 'warned',
        config: run.config as object,
        changes: { 'solver.learningRate': { from: 1.5e-4, to: 4.5e-5 }, 'gate.lower': { from: null, to: 0.35 } },
        reason: undefined,
        requestedBy: 'alarm',
        codeVersion: 'x',
      });
      await insertTake(client, {
        runId: 'warned',
        iteration: 2,
        phases: PHASE_ORDER,
        inputVersion: 2,
        codeVersion: 'x',
        reason: 'Alarm kl: <img src=x>',
        requestedBy: 'alarm',
      });
    });
    const { page: text } = await makeReport(pool, { runId: 'warned' });
    const { document } = parseHTML(text);
    assert.match(said(document, '#alarms > p') ?? '', /^1 alarm is raised of 4 judgements at the ends of 4 phases/);
    assert.match(
      said(document, '#answer') ?? '',
      /Alarms: raised belowBase \(iteration 1\); rolled the run back once\./,
    );
    assert.deepEqual(tableOf(text, 'alarms-raised'), [
      ['1', 'Evaluation', 'belowBase', '3.5', '3.09', 'noted', 'yes', 'Below <b>base</b>.'],
      [
        '2',
        'Solver training',
        'kl',
        '0.759',
        '0.5',
        'rolled back',
        'no: done again in take 2',
        '<script>window.harmed = 3</script>',
      ],
    ]);
    const [take] = tableOf(text, 'takes');
    assert.deepEqual(
      [take!.slice(0, 4), take!.slice(5)],
      [
        ['2', '2', 'Challenger training', 'alarm'],
        ['Alarm kl: <img src=x>', 'gate.lower default → 0.35; solver.learningRate 0.00015 → 0.000045'],
      ],
    );
    assert.ok(!text.includes('<script>window') && !text.includes('<img'));
    // What is done again is shown by what stands.
    for (const id of ['accuracy-held-out', 'funnel-stages', 'labels-computed', 'diversity-shares']) {
      assert.deepEqual(tableOf(text, id), tableOf(before, id).slice(0, -1), id);
    }
    for (const id of ['steps-challenger', 'steps-solver']) assert.equal(tableOf(text, id).length, 3, id);
  });

  test('says of anchors and judges what the views say', async () => {
    await pool.query(
      `insert into r_zero.oracles (run_id, kind, oracle, version, definition, definition_hash, code_version)
       values ('other', 'judge', 'judge:x', 1, '{}', '', 'x')`,
    );
    await pool.query(
      `insert into r_zero.audits (run_id, iteration, phase, question_id, oracle, oracle_version, oracle_id, label, agrees)
       select run_id, iteration, 'audit', question_id, 'judge:x', 1, (select max(oracle_id) from r_zero.oracles), label, agrees
       from r_zero.audits where run_id = 'other' and oracle = 'computed' and question_id % 3 = 0`,
    );
    await pool.query(
      `with added as (
         insert into r_zero.anchors (run_id, iteration, phase, unit, item, set_hash, checkpoint_id, question, answer, preset, label,
           majority, total, unparsable, tie, classes)
         select 'other', 1, 'labelling', 0, n, held_out_hash, base_checkpoint_id, 'q', '1', 'default', '1', 1 + n % 8, 8, 0, false, '[]'
         from r_zero.runs, generate_series(0, 40) n where run_id = 'other' returning anchor_id, item)
       insert into r_zero.audits (run_id, iteration, phase, unit, anchor_id, oracle, oracle_version, label, truth, agrees)
       select 'other', 1, 'audit', 0, anchor_id, 'anchors', 1, '1', '1', item % 3 > 0 from added`,
    );
    const { page: text } = await makeReport(pool, { runId: 'other' });
    for (const oracle of ['judge:x', 'anchors', 'computed']) {
      const views = await rows(
        `select iteration, kept, audited, agreeing, label_accuracy, lower, upper from r_zero.label_accuracy
         where run_id = 'other' and oracle = '${oracle}' and kept is not false order by iteration, kept nulls last`,
      );
      const id = oracle.replace(':', '-');
      assert.deepEqual(
        tableOf(text, `labels-${id}`).flatMap(([iteration, ...cells]) => [
          [iteration, ...cells.slice(0, 4)],
          [iteration, ...cells.slice(4)],
        ]),
        views.map((row) => [
          ...['iteration', 'audited', 'agreeing'].map((name) => String(row[name])),
          percent(row['label_accuracy']),
          ['lower', 'upper'].map((name) => ((row[name] as number) * 100).toFixed(1)).join('–'),
        ]),
      );
      const parts = await rows(
        `select part, sum(audited)::int as audited, sum(agreeing)::int as agreeing from r_zero.label_accuracy_by_p_hat
         where run_id = 'other' and oracle = '${oracle}' and kept is null and audited > 0 group by 1 order by 1`,
      );
      assert.deepEqual(
        tableOf(text, `labels-by-share-${id}`).map((cells) => cells.slice(1, 3)),
        parts.map((row) => [String(row['audited']), String(row['agreeing'])]),
      );
    }
  });

  test('takes a stratified sample of more questions than it may hold, and says so', async () => {
    const { page: text, questions } = await makeReport(pool, { runId: 'run', limits: { questions: 20 } });
    assert.deepEqual([questions[0]!.all, questions[0]!.shown >= 20 && questions[0]!.shown <= 30], [168, true]);
    const { document } = parseHTML(text);
    assert.match(document.querySelector('#reader-limits')?.textContent ?? '', /of 168 questions, a sample/);
  });

  describe('in a browser', { skip: browser.missing }, () => {
    const problems: string[] = [];
    const requests: string[] = [];

    const open = async (url: string, options: Parameters<typeof browser.newPage>[0] = {}): Promise<Page> => {
      const opened = await browser.newPage(options);
      opened.on('console', (message) => problems.push(message.text()));
      opened.on('request', (request) => requests.push(request.url()));
      await opened.goto(url);
      await opened.locator('.questions > li').first().waitFor();
      return opened;
    };
    const found = (opened: Page): Promise<string[]> => opened.locator('.found').allTextContents();

    test('asks nothing of a network and has nothing to complain about', async () => {
      const opened = await open(address);
      await opened.getByRole('button', { name: 'Colours' }).click();
      await opened.locator('.entry > summary').first().click();
      await opened.locator('.detail').first().waitFor();
      assert.deepEqual(
        requests.filter((url) => url !== address),
        [],
      );
      assert.deepEqual([problems, browser.pageErrors], [[], []]);
      // The policy is not only there, it holds.
      const blocked = await opened.evaluate<string>(`new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
        document.head.append(Object.assign(document.createElement('style'), { textContent: 'p { color: red }' }));
      })`);
      assert.match(blocked, /^style-src/);
      problems.length = 0;
    });

    test('shows what models wrote as text', async () => {
      const opened = await open(address);
      const shown = await opened.locator('.entry .question').allTextContents();
      const visible = [
        HOSTILE[0],
        HOSTILE[1],
        'right ⟨U+202E⟩to left⟨U+202C⟩ and ⟨U+2066⟩back⟨U+2069⟩',
        // What Postgres makes of half a pair.
        'half a pair \ufffd here',
        HOSTILE[4],
      ];
      assert.deepEqual(shown.slice(0, HOSTILE.length), visible);
      await opened.locator('.entry > summary').first().click();
      const text = await opened.locator('.detail').first().textContent();
      assert.ok(text?.includes('<b>hard</b>') && text.includes(HOSTILE[0]!));
      assert.equal(await opened.evaluate('window.harmed'), undefined);
      assert.equal(await opened.locator('img').count(), 0);
    });

    test('finds questions by filter and by search', async () => {
      const opened = await open(address);
      const filters = opened.locator('#reader-filters');
      const [{ count: kept } = {}] = await rows(
        `select count(*)::int from r_zero.dataset d join r_zero.audits a using (question_id)
         where d.run_id = 'run' and d.iteration = 2 and not a.agrees and d.p_hat between 0.25 and 0.5`,
      );
      await filters.getByLabel('Iteration').selectOption('2');
      await filters.getByLabel('Decision').selectOption('kept');
      await filters.locator('[name=label]').selectOption('false');
      await filters.getByLabel('p̂ from').fill('0.25');
      await filters.getByLabel('to', { exact: true }).fill('0.5');
      await opened
        .locator('.found', { hasText: new RegExp(`^${String(kept)} of 168 `) })
        .first()
        .waitFor();
      await opened.getByRole('button', { name: 'Clear' }).click();
      await filters.getByLabel('Search').fill('<SCRIPT>');
      await opened
        .locator('.found', { hasText: new RegExp(`^1 of 168 `) })
        .first()
        .waitFor();
      await opened.getByRole('button', { name: 'Clear' }).click();
      await filters.getByLabel('Reason').selectOption('above_band');
      const [{ count: above } = {}] = await rows(
        `select count(*)::int from r_zero.gate_decisions where run_id = 'run' and reason = 'above_band'`,
      );
      await opened
        .locator('.found', { hasText: new RegExp(`^${String(above)} of 168 `) })
        .first()
        .waitFor();
    });

    test('shows answers, votes, decision and audits of a question, by keyboard', async () => {
      const opened = await open(address);
      await opened.locator('.entry > summary').first().focus();
      await opened.keyboard.press('Enter');
      const detail = opened.locator('.detail').first();
      await detail.waitFor();
      const [row] = await rows(
        `select v.majority, a.truth, d.reason from r_zero.questions q join r_zero.votes v using (question_id)
         join r_zero.audits a using (question_id) join r_zero.gate_decisions d using (question_id)
         where q.run_id = 'run' and q.iteration = 1 and q.phase = 'dataset_generation' and q.item = 0`,
      );
      assert.equal(
        await detail.locator('.votes tr').first().locator('td.number').textContent(),
        String(row!['majority']),
      );
      assert.equal(await detail.locator('.answers li').count(), 8);
      assert.match(
        (await detail.locator('.audits').textContent()) ?? '',
        new RegExp(`computed \\(version 1\\): ${String(row!['truth'])}`),
      );
    });

    test('shows the questions of Challenger training, with what each earned', async () => {
      const opened = await open(await write({ runId: 'run', compare: 'other' }));
      await opened.locator('#reader-filters').getByLabel('Written in').selectOption('training');
      const first = opened.locator('.reader').first();
      await first.locator('.found', { hasText: /^48 of 168 / }).waitFor();
      // Models wrote these, too.
      assert.deepEqual((await first.locator('.entry .question').allTextContents()).slice(0, 2), HOSTILE.slice(0, 2));
      await opened.locator('#reader-filters').getByLabel('Order').selectOption('reward-falling');
      const [most] = await rows(
        `select q.iteration, q.unit, w.*, v.majority, v.total as votes from r_zero.rewards w
         join r_zero.questions q using (question_id) join r_zero.votes v using (question_id)
         where q.run_id = 'run' order by w.total desc, q.question_id limit 1`,
      );
      const entry = first.locator('.entry').first();
      const reward = (most!['total'] as number).toFixed(3);
      await entry
        .filter({ hasText: `iteration ${String(most!['iteration'])}, step ${(most!['unit'] as number) + 1}` })
        .waitFor();
      await entry
        .filter({ hasText: `p̂ ${String(most!['majority'])}/${String(most!['votes'])}reward ${reward}` })
        .waitFor();
      await entry.locator('summary').click();
      const cells = entry.locator('.rewards tr');
      await cells.first().waitFor();
      assert.deepEqual(await cells.evaluateAll((all) => all.map((row) => row.children[1]?.textContent)), [
        reward,
        ...['uncertainty', 'repetition', 'format', 'advantage'].map((name) => (most![name] as number).toFixed(3)),
      ]);
      assert.match(
        (await entry.locator('.rewards').textContent()) ?? '',
        new RegExp(`the method’s would be ${(most!['computed'] as number).toFixed(3)}`),
      );
      assert.equal(await opened.evaluate('window.harmed'), undefined);
      assert.deepEqual([problems, browser.pageErrors], [[], []]);
    });

    test('turns pages', async () => {
      const opened = await open(address);
      await opened.getByRole('button', { name: 'Last' }).click();
      assert.match((await found(opened))[0]!, /120 of 168 questions, 101 to 120 here/);
    });

    test('fits a phone, with everything open', async () => {
      for (const url of [address, await write({ runId: 'run', compare: 'other' })]) {
        const opened = await open(url, { viewport: { width: 375, height: 800 } });
        await opened.evaluate(`document.querySelectorAll('details').forEach((details) => { details.open = true; })`);
        await opened.locator('.detail').nth(24).waitFor();
        const width = await opened.evaluate('document.documentElement.scrollWidth');
        assert.equal(width, 375);
      }
    });

    test('is dark where the system is, light where its reader says so, and readable in both', async () => {
      const opened = await open(address, { colorScheme: 'dark' });
      const background = () => opened.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
      assert.equal(await background(), 'rgb(21, 23, 26)');
      assert.deepEqual(await faintTexts(opened), []);
      await opened.getByRole('button', { name: 'Colours' }).click();
      assert.equal(await background(), 'rgb(255, 255, 255)');
      assert.deepEqual(await faintTexts(opened), []);
      await opened.reload();
      assert.equal(await background(), 'rgb(255, 255, 255)');
    });

    test('shows two runs beside each other, under one filter', async () => {
      const opened = await open(await write({ runId: 'run', compare: 'other' }));
      await opened.locator('#reader-filters').getByLabel('Decision').selectOption('kept');
      await opened.locator('.found').first().filter({ hasNotText: '120 of' }).waitFor();
      const kept = await rows(
        `select run_id, count(*)::int from r_zero.dataset where run_id in ('run', 'other') group by 1 order by run_id = 'other'`,
      );
      assert.deepEqual(
        (await found(opened)).map((text) => Number.parseInt(text, 10)),
        kept.map((row) => row['count']),
      );
      const [left, right] = await Promise.all([0, 1].map((run) => opened.locator('.reader').nth(run).boundingBox()));
      assert.ok(left!.y === right!.y && left!.x + left!.width <= right!.x);
      assert.match(
        (await opened.locator('#answer .verdict').first().textContent()) ?? '',
        /^\s*Between the runs: run ends [+−]/,
      );
    });

    test('stays quick with tens of thousands of questions', async () => {
      await storeRun(pool, 'large', { iterations: 1, questions: 10 });
      await finishUnit(pool, { runId: 'large', iteration: 1, phase: 'dataset_generation', unit: 1 }, async (client) => {
        await client.query(
          `insert into r_zero.questions (run_id, iteration, phase, unit, item, checkpoint_id, seed, completion, tokens, logprobs,
                                         finish_reason, status, question)
           select run_id, iteration, phase, 1, n, checkpoint_id, seed, completion, tokens, logprobs, finish_reason, 'valid',
                  'What is ' || n || ' plus ' || n * 7 || ', and why would anybody want to know that so badly?'
           from r_zero.questions, generate_series(1, 20000) n
           where run_id = 'large' and phase = 'dataset_generation' and item = 0`,
        );
        await client.query(
          `insert into r_zero.votes (question_id, preset, label, majority, total, unparsable, tie, classes)
           select question_id, 'default', item::text, 1 + item % 8, 8, 0, false, '[]'
           from r_zero.questions where run_id = 'large' and unit = 1 and phase = 'dataset_generation'`,
        );
      });
      const url = await write({ runId: 'large', limits: { questions: 30_000 } });
      const started = performance.now();
      const opened = await open(url);
      const first = performance.now() - started;
      assert.match((await found(opened))[0]!, /^20,010 of 20,034/);
      const longest = await opened.evaluate<number>(`(async () => {
        const input = document.querySelector('input[type=search]');
        const list = document.querySelector('.found');
        const begun = performance.now();
        input.value = 'what is 19999 plus';
        input.dispatchEvent(new Event('input', { bubbles: true }));
        while (!list.textContent.startsWith('1 of')) await new Promise((resolve) => setTimeout(resolve, 5));
        return performance.now() - begun;
      })()`);
      // A fraction of it on an idle machine.
      assert.ok(first < 8000 && longest < 1500, `first list after ${first} ms, search in ${longest} ms`);
    });
  });
});
