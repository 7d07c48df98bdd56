/** Numbers as people read them. A missing value is a dash, never a zero. */

const MISSING = '–';

/** `0.7125` → `71.3 %` */
export function percent(value: number | null | undefined, digits = 1): string {
  return isNumber(value) ? `${(value * 100).toFixed(digits)} %` : MISSING;
}

/** A share of some of all: `100.0 % of 1`; a plain percentage when it is of all. */
export function percentOf(value: number | null | undefined, counted: number | null, all: number | null): string {
  return isNumber(value) && isNumber(counted) && counted !== all
    ? `${percent(value)} of ${count(counted)}`
    : percent(value);
}

/** Difference of two fractions in percentage points: `+43.4`. */
export function points(value: number | null | undefined, base: number | null | undefined): string {
  if (!isNumber(value) || !isNumber(base)) return MISSING;
  const difference = (value - base) * 100;
  // Rounded first, so that nothing is ever shown as "-0.0".
  const rounded = Math.round(difference * 10) / 10;
  return `${rounded >= 0 ? '+' : '-'}${Math.abs(rounded).toFixed(1)}`;
}

export function decimal(value: number | null | undefined, digits = 2): string {
  return isNumber(value) ? value.toFixed(digits) : MISSING;
}

/** `12345` → `12,345` */
export function count(value: number | null | undefined): string {
  return isNumber(value) ? Math.round(value).toLocaleString('en-US') : MISSING;
}

/** `4_300_000` → `4.3 MB` */
export function fileSize(bytes: number | null | undefined): string {
  if (!isNumber(bytes)) return MISSING;
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(unit > 0 && value < 99.95 ? 1 : 0)} ${units[unit]}`;
}

/** `0.8` → `0.8 s`, `83` → `1 min 23 s`, `7300` → `2 h 01 min` */
export function duration(seconds: number | null | undefined): string {
  if (!isNumber(seconds)) return MISSING;
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** `14:03:59` in local time. */
export function clock(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join(':');
}

export function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
