/** Units and counted things at the end of a quantity. All units are alike: see `canonicalAnswer`. */

const UNITS = new Set(
  (
    'degrees degree deg centimeters centimeter centimetres centimetre millimeters millimeter kilometers kilometer kilometres kilometre ' +
    'meters meter metres metre miles mile inches inch feet foot yards yard seconds second minutes minute hours hour days day weeks week ' +
    'months month years year kilograms kilogram grams gram pounds pound ounces ounce liters liter litres litre gallons gallon ' +
    'dollars dollar cents cent euros euro rupees percent units unit square cubic sq cu per mph kmh kph radians radian rad rads ' +
    'in cm mm km kg mg ml ft yd mi lb lbs oz hr hrs min mins sec secs usd eur gbp ms hz khz pa kpa atm mol kj kw kwh ' +
    'm s g l h'
  ).split(' '),
);
/** Words that change the value before them or say that it is no plain count. */
const MEANINGFUL = new Set(
  (
    'and or plus minus times over more less fewer greater than not most least mod modulo dozen dozens hundred hundreds thousand half halves ' +
    'third thirds quarter quarters million billion trillion squared cubed factorial divided by to the root remainder am pm pi sqrt choose ' +
    'sin cos tan log exp inf infinity if when where for with except is are all any'
  ).split(' '),
);
/** One word with its power at the end of the text, and the sign that may join it to the one before. */
const LAST_WORD = /(?<=[\s\d)}\]/*·!])([a-zA-Z]+)\.?(?: ?\^ ?\{?-?[1-4]\}?)?$/;
const JOINT = /(?: ?(?:\/|\*|\\cdot|\\times) ?| )$/;
const TIMES = /(?:\*|·|\\cdot|\\times) ?$/;
const MAX_LENGTH = 200;
const MAX_WORDS = 8;

/** Takes units off the end of a quantity: `5 cm` = `5`, `12 km/h` = `12`, `7 distinct values` = `7`. */
export function stripUnits(text: string): string {
  if (text.length > MAX_LENGTH || !/[a-zA-Z]/.test(text)) return text;
  return withoutUnits(text) ?? withoutCountedThings(text) ?? text;
}

function withoutUnits(text: string): string | null {
  let rest = text;
  for (let round = 0; round < MAX_WORDS; round += 1) {
    const match = LAST_WORD.exec(rest);
    const word = match?.[1];
    if (match === null || word === undefined) break;
    const before = rest.slice(0, match.index);
    const known = UNITS.has(word) || (word.length > 1 && UNITS.has(word.toLowerCase())) || /^[NJWVK]$/.test(word);
    // `5m` is a product, `5 m` a length.
    if (!known || (word.length === 1 && !/[\s/*·]$/.test(before))) break;
    const joined = before.replace(JOINT, '');
    if (!/\d|\\pi/.test(joined)) break;
    // `5 N*m` is a torque, `5*m` a product: a sign of multiplication joins units, not a unit to its number.
    if (word.length === 1 && TIMES.test(before) && !LAST_WORD.test(joined)) break;
    rest = joined;
  }
  return rest === text ? null : rest.trimEnd();
}

/** A plain number and then words only. */
function withoutCountedThings(text: string): string | null {
  const match = /^([-+]?[\d.,/]*\d|[-+]?\\frac\{\d+\}\{\d+\}) ((?:[a-z]{3,}[ -]?)+)$/.exec(text);
  if (match === null) return null;
  const words = (match[2] as string).split(/[ -]/).filter((word) => word !== '');
  return words.length > MAX_WORDS || words.some((word) => MEANINGFUL.has(word)) ? null : (match[1] as string);
}
