import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RZeroError } from '../../activities/errors.ts';
import { acquireStackLock } from '../../infra/dev-stack/index.ts';
import { tryLock, waitForLock } from '../../infra/setup/file-lock.ts';
import { identify, isAlive, startMarkOf } from '../../infra/setup/process-identity.ts';

const HOLDER = fileURLToPath(new URL('./lock-holder.ts', import.meta.url));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'r-zero-lock-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function startHolder(path: string): Promise<{ pid: number; answer: string; end: () => Promise<void> }> {
  const child = spawn(process.execPath, [...process.execArgv, HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [answer] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    pid: child.pid ?? 0,
    answer: answer.toString(),
    end: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

test('a process is told from a later one with the same pid, and from a zombie', async () => {
  const self = identify(process.pid);
  assert.ok(self && isAlive(self));
  assert.equal(isAlive({ pid: process.pid, startMark: `${self.startMark}0` }), false);
  const child = spawn('sleep', ['30']);
  await once(child, 'spawn');
  const identity = identify(child.pid ?? 0);
  assert.ok(identity && isAlive(identity));
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isAlive(identity), false);
  for (const nonsense of [0, -1, 1.5, Number.NaN, 2 ** 40]) assert.equal(startMarkOf(nonsense), undefined);
});

test('a held lock is refused with the holder, and is free again after release', async () => {
  const path = join(folder, 'held.lock');
  const first = await tryLock(path);
  assert.ok('lock' in first);
  const second = await tryLock(path);
  assert.ok('heldBy' in second);
  assert.equal(second.heldBy.owner.pid, process.pid);
  first.lock.release();
  first.lock.release();
  assert.equal(existsSync(path), false);
  assert.ok('lock' in (await tryLock(path)));
});

test('the lock of a killed process is taken over', async () => {
  const path = join(folder, 'killed.lock');
  const holder = await startHolder(path);
  assert.equal(holder.answer, 'locked');
  assert.ok('heldBy' in (await tryLock(path)));
  await holder.end();
  const attempt = await tryLock(path);
  assert.ok('lock' in attempt);
  assert.equal(attempt.lock.holder.owner.pid, process.pid);
});

test('a lock whose pid belongs to another process by now is taken over', async () => {
  const path = join(folder, 'reused.lock');
  writeFileSync(
    path,
    JSON.stringify({ owner: { pid: process.pid, startMark: 'an earlier boot:1' }, since: 'then', token: 'old' }),
  );
  assert.ok('lock' in (await tryLock(path)));
});

test('a lock file that nobody could have written is taken over', async () => {
  for (const text of ['', '{', 'null', '[]', '{"owner":{}}']) {
    const path = join(folder, 'garbage.lock');
    writeFileSync(path, text);
    const attempt = await tryLock(path);
    assert.ok('lock' in attempt, text);
    attempt.lock.release();
  }
});

test('of many processes that find a stale lock, one gets it', async () => {
  const path = join(folder, 'race.lock');
  writeFileSync(path, JSON.stringify({ owner: { pid: 2 ** 22 + 1, startMark: 'gone' }, since: 'then', token: 'old' }));
  const holders = await Promise.all(Array.from({ length: 6 }, () => startHolder(path)));
  const winners = holders.filter(({ answer }) => answer === 'locked');
  assert.equal(winners.length, 1);
  for (const { answer } of holders) assert.ok(answer === 'locked' || answer === `held by ${winners[0]?.pid}`, answer);
  await Promise.all(holders.map(({ end }) => end()));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('race.lock.')),
    [],
  );
});

test('releasing does not remove a lock that somebody else owns by now', async () => {
  const path = join(folder, 'foreign.lock');
  const attempt = await tryLock(path);
  assert.ok('lock' in attempt);
  writeFileSync(path, JSON.stringify({ owner: identify(process.pid), since: 'now', token: 'another' }));
  attempt.lock.release();
  assert.match(readFileSync(path, 'utf8'), /another/);
});

test('waiting gives up with StackBusy, naming the process to end', async () => {
  const path = join(folder, 'wait.lock');
  const holder = await startHolder(path);
  let told = 0;
  await assert.rejects(waitForLock(path, { waitMs: 300, onWait: () => told++ }), (error: unknown) => {
    assert.ok(error instanceof RZeroError);
    assert.equal(error.code, 'StackBusy');
    assert.match(error.fix ?? '', new RegExp(`kill ${holder.pid}$`));
    return true;
  });
  assert.equal(told, 1);
  await holder.end();
  (await waitForLock(path, { waitMs: 1000 })).release();
});

test('a data directory has one owner at a time', async () => {
  const dataDir = join(folder, 'data');
  const lock = await acquireStackLock(dataDir);
  await assert.rejects(acquireStackLock(dataDir), (error: unknown) => {
    assert.ok(error instanceof RZeroError);
    assert.equal(error.code, 'StackBusy');
    assert.match(error.message, new RegExp(`process ${process.pid}, started \\d{4}-`));
    assert.match(error.fix ?? '', /--data-dir/);
    return true;
  });
  lock.release();
  (await acquireStackLock(dataDir)).release();
});
