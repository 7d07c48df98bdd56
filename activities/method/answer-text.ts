/** Spelling of answers: what LaTeX, units and phrasing add around a value, taken away before it is read. */

const WRAPPERS =
  /\\(?:text|mathrm|textrm|textbf|textit|mathbf|mathit|mathsf|operatorname|mbox|textnormal|boxed|mathbb)\s*\{([^{}]*)\}/g;
const CHARACTERS: readonly [RegExp, string][] = [
  [/[\u2212\u2013\u2014\ufe63\uff0d]/g, '-'],
  [/[×·⋅∙]/g, '*'],
  [/÷/g, '/'],
  [/π/g, '\\pi '],
  [/∞/g, '\\infty '],
  [/∪/g, '\\cup '],
  [/±/g, '\\pm '],
  [/[≤⩽]/g, '\\le '],
  [/[≥⩾]/g, '\\ge '],
  [/≠/g, '\\ne '],
  [/∅/g, '\\emptyset '],
  [/[\u00a0\u2000-\u200a\u202f\u3000]/g, ' '],
  [/½/g, '{1/2}'],
  [/¼/g, '{1/4}'],
  [/¾/g, '{3/4}'],
  [/⅓/g, '{1/3}'],
  [/⅔/g, '{2/3}'],
  [/⁰/g, '^0'],
  [/¹/g, '^1'],
  [/²/g, '^2'],
  [/³/g, '^3'],
  [/⁴/g, '^4'],
];

/** Longest first, so that `centimeters` is not read as `c` and `meters`. */
const UNITS = (
  'degrees degree centimeters centimeter centimetres centimetre millimeters millimeter kilometers kilometer kilometres kilometre ' +
  'meters meter metres metre miles mile inches inch feet foot yards yard seconds second minutes minute hours hour days day weeks week ' +
  'months month years year kilograms kilogram grams gram pounds pound ounces ounce liters liter litres litre gallons gallon ' +
  'dollars dollar cents cent euros euro percent units unit square cubic sq cu per mph kmh radians radian rad ' +
  'people persons person students student ways way apples apple points point times ' +
  'cm mm km kg mg ml ft yd mi lb oz hr hrs min sec usd m s g l h'
)
  .split(' ')
  .sort((a, b) => b.length - a.length);
const UNIT_WORDS = UNITS.join('|');
/** A number, bracket or constant, then unit words, with powers and quotients of units. */
const UNIT_TAIL = new RegExp(
  `^(.*[\\d)}\\]a-z!])(?:\\s+|(?<=[\\d)}])(?=[a-z]{2}))(?:(?:${UNIT_WORDS})(?:\\s*\\^\\s*\\{?-?[23]\\}?)?(?:\\s*\\/\\s*|\\s+|$))+$`,
  'i',
);

const NUMBER_WORDS = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'
    .split(' ')
    .map((word, value) => [word, String(value)] as const),
);

/** One-pass clean-up that keeps meaning: delimiters, spacing, text wrappers, degree and percent signs, currency. */
export function cleanAnswer(text: string): string {
  let result = text;
  for (const [pattern, replacement] of CHARACTERS) result = result.replace(pattern, replacement);
  result = result
    .replace(/\\(?:left|right|displaystyle|limits|bigl?|bigr?|Bigl?|Bigr?)(?![a-zA-Z])\s?/g, '')
    .replace(/\\\\|\\[()[\]]/g, (mark) => (mark === '\\\\' ? mark : ' '))
    .replace(/(\d)(?:\{,\}|\\,|\\!,|,\\!)(?=\d{3}(?!\d))/g, '$1,')
    .replace(/\\\\|\\[,;:! ]|~|\\q?quad(?![a-zA-Z])/g, (mark) => (mark === '\\\\' ? mark : ' '))
    .replace(/\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))|°/g, ' ')
    .replace(/\\%|%|\\\$|[$£€]/g, ' ');
  for (let round = 0; round < 4; round += 1) result = result.replace(WRAPPERS, ' $1 '); // innermost first
  return result
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^(?:the (?:final )?answer is|final answer|answer)\s*:?\s*/i, '')
    .replace(/^(?:\\approx|≈|approximately|about)\s*/i, '')
    .replace(/[\s.;:]+$/, '');
}

/** Takes units off the end of a quantity: `5 cm` = `5`, `12 km/h` = `12`. All units alike: see `canonicalAnswer`. */
export function stripUnits(text: string): string {
  let rest = text;
  // One word a round, so that `miles per hour` comes off whole.
  for (let round = 0; round < 6 && rest.length <= 200; round += 1) {
    const match = UNIT_TAIL.exec(rest)?.[1]?.trim();
    if (match === undefined || !/\d|\\pi/.test(match)) break;
    rest = match;
  }
  return rest;
}

/** Mixed numbers become sums, scale words powers of ten. */
export function spellOutNumbers(text: string): string {
  return text
    .replace(/(?<![\d.^_a-zA-Z,])(\d+)\s+(\d+)\s*\/\s*(\d+)(?![\d.])/g, '($1+$2/$3)')
    .replace(/(?<![\d.^_a-zA-Z,])(\d+)\s*(\\[dtc]?frac\s*(?:\{\d+\}\s*\{\d+\}|\d\s*\d(?!\d)|\d\s*\{\d+\}))/g, '($1+$2)')
    .replace(/(?<![\d.^_a-zA-Z,])(\d+)\s*\{(\d\/\d)\}/g, '($1+$2)')
    .replace(/(\d)\s*(thousand|million|billion|trillion)s?(?![a-z])/gi, (_, digit: string, word: string) => {
      const power = { thousand: 3, million: 6, billion: 9, trillion: 12 }[word.toLowerCase()] as number;
      return `${digit}*10^${power}`;
    });
}

/** A key for answers in words: case, punctuation and articles do not matter. With digits or signs among them, everything but space does. */
export function wordKey(text: string): string {
  const lower = text.toLowerCase();
  const words = lower
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .split(' ')
    .filter((word) => !['the', 'a', 'an'].includes(word))
    .join(' ');
  const known = SYNONYMS.get(words) ?? NUMBER_WORDS.get(words);
  if (known !== undefined) return known;
  return words === '' || /[\d=<>^_+*/\\|()[\]{}:]/.test(lower) ? lower.replace(/\s+/g, '') : words;
}

const SYNONYMS = new Map<string, string>([
  ...[
    'no solution',
    'no solutions',
    'none',
    'there is no solution',
    'there are no solutions',
    'empty set',
    'emptyset',
    'varnothing',
  ].map((phrase) => [phrase, 'no solution'] as const),
  ...['no real solution', 'no real solutions', 'there are no real solutions', 'there is no real solution'].map(
    (phrase) => [phrase, 'no real solution'] as const,
  ),
  ...['dne', 'does not exist', 'undefined'].map((phrase) => [phrase, 'does not exist'] as const),
]);
