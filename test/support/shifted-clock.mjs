// Loaded before a program whose wall clock shall jump: `Date` is off by the milliseconds that the file R_ZERO_TEST_CLOCK
// holds at the moment. Timers and `performance` go on, as they do when a real clock is set.
import { readFileSync } from 'node:fs';

const file = process.env.R_ZERO_TEST_CLOCK;
const RealDate = Date;
let shift = 0;

function read() {
  try {
    shift = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    shift = 0;
  }
}

if (file !== undefined) {
  read();
  setInterval(read, 50).unref();
  globalThis.Date = class Date extends RealDate {
    constructor(...values) {
      if (values.length === 0) super(RealDate.now() + shift);
      else super(...values);
    }
    static now() {
      return RealDate.now() + shift;
    }
  };
}
