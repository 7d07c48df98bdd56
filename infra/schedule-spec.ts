/** When nights begin: daily at a time, by a cron line, or at intervals; and the same in words. */
import type { ScheduleSpec, ScheduleSpecDescription } from '@temporalio/client';
import { RZeroError } from '../activities/errors.ts';

export interface ScheduleTimes {
  /** `HH:MM`, every day. */
  at?: string;
  /** Five fields: minute, hour, day of month, month, day of week. */
  cron?: string;
  /** A number and a unit: `6h`, `90m`, `30s`, `2d`. */
  every?: string;
  /**
   * IANA name, such as `Europe/Berlin`. A time that a clock change leaves out does not occur that night, and one that it
   * repeats occurs twice. @default 'UTC'
   */
  timezone?: string;
}

const UNITS = { s: 'seconds', m: 'minutes', h: 'hours', d: 'days' } as const;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
/** More often is no use, and a slip of the finger more likely. */
const SHORTEST_SECONDS = 1;

/** @throws RZeroError `RunInputInvalid` naming the option at fault; cron lines are checked by the server */
export function scheduleSpec({ at, cron, every, timezone = 'UTC' }: ScheduleTimes): ScheduleSpec {
  const given = [at, cron, every].filter((times) => times !== undefined).length;
  if (given !== 1) {
    throw invalid('--at', `A schedule needs one of --at, --cron and --every, not ${given}.`, 'For example --at 02:00.');
  }
  checkTimezone(timezone);
  if (every !== undefined) return { intervals: [{ every: intervalOf(every) }], timezone };
  if (cron !== undefined) return { cronExpressions: [`${checkCron(cron)} # cron ${cron.trim()}`], timezone };
  const { hour, minute } = timeOfDay(at ?? '');
  return { calendars: [{ hour, minute, comment: `daily at ${at}` }], timezone };
}

/** e.g. `daily at 02:00, Europe/Berlin`; of times made elsewhere, their comments. */
export function describeSpec(spec: ScheduleSpecDescription | undefined): string {
  const intervals = (spec?.intervals ?? []).map(({ every }) => `every ${inWords(every / 1000)}`);
  const calendars = (spec?.calendars ?? []).map(({ comment }) => comment ?? '').filter((comment) => comment !== '');
  const times = [...calendars, ...intervals].join('; ');
  const { timezone } = spec ?? {};
  return times !== '' && timezone && timezone !== 'UTC' ? `${times}, ${timezone}` : times;
}

function inWords(seconds: number): string {
  const unit = (['d', 'h', 'm'] as const).find((name) => seconds % SECONDS[name] === 0) ?? 's';
  return `${seconds / SECONDS[unit]} ${UNITS[unit]}`;
}

function timeOfDay(text: string): { hour: number; minute: number } {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hour === undefined) throw invalid('--at', `"${text}" is no time of day.`, 'Write 24 hours, such as 02:00.');
  return { hour: Number(hour), minute: Number(minute) };
}

function intervalOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * SECONDS[(unit ?? 's') as keyof typeof SECONDS];
  if (count === undefined || seconds < SHORTEST_SECONDS) {
    throw invalid('--every', `"${text}" is no interval.`, 'Write a number and s, m, h or d, such as 6h.');
  }
  return seconds * 1000;
}

/** The server would take a zone or a comment inside the line, too, and then disagree with the options. */
function checkCron(text: string): string {
  const fields = text.trim().split(/\s+/);
  if (fields.length === 5 && !text.includes('#') && !text.includes('=')) return fields.join(' ');
  throw invalid('--cron', `"${text}" is no cron line of five fields.`, 'For example --cron "30 1 * * 1-5".');
}

function checkTimezone(timezone: string): void {
  if (isTimezone(timezone)) return;
  throw invalid('--timezone', `"${timezone}" is no time zone.`, 'Use an IANA name, such as Europe/Berlin.');
}

function isTimezone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    // A RangeError, which is the answer.
    return false;
  }
}

function invalid(field: string, message: string, fix: string): RZeroError {
  return new RZeroError('RunInputInvalid', message, { field, fix });
}
