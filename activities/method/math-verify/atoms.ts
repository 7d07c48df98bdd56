/** Grammar of letters and numbers with their scripts: the rules atom, atom_expr, subexpr and supexpr of PS.g4. */
import { numberOfText, power, symbolOf } from './build.ts';
import { after, choice, lazy, many, map, optional, sequence, type Outcomes, type Rule } from './outcomes.ts';
import type { TokenRules } from './rules.ts';
import type { Token } from './tokens.ts';
import { Unparsable, node, percentOf, type Tree } from './tree.ts';

export interface AtomRules {
  readonly atom: Rule<Tree>;
  readonly atomExpression: Rule<Tree>;
  readonly letter: Rule<Token>;
  readonly braced: Rule<Tree>;
  readonly superscript: Rule<Tree>;
  /** A subscript as part of a name. */
  readonly subscript: Rule<string>;
  /** Expressions with commas between. */
  readonly listed: Rule<Tree[]>;
}

export function atomRules(rules: TokenRules, outcomes: Outcomes, real: boolean, expression: Rule<Tree>): AtomRules {
  const { token, converted, enclosed, textOf } = rules;
  const atom: Rule<Tree> = lazy(() => anyAtom);
  const braced = enclosed('{', expression, '}');
  const superscript = outcomes.rule('superscript', after(token('^'), choice(atom, braced)));
  const listed = many(expression, token(','));
  const subscript = outcomes.rule(
    'subscript',
    after(token('_'), choice(textOf(atom), enclosed('{', textOf(listed), '}'))),
  );
  const letter = choice(token('LETTER'), token('GREEK'), token('OTHER'), token('ACCENT'));
  type Scripts = readonly [string | null, Tree | null];
  const scripts: Rule<Scripts> = choice<Scripts>(
    sequence(superscript, subscript, (above, below) => [below, above]),
    sequence(subscript, superscript, (below, above) => [below, above]),
    map(subscript, (below) => [below, null]),
    map(superscript, (above) => [null, above]),
    (start) => [{ end: start, build: () => [null, null] }],
  );
  const atomExpression = outcomes.rule(
    'atomExpression',
    sequence(letter, scripts, (base, [below, above]) => {
      if (base.type === 'LETTER' && base.text === 'I') return node('constant', [], 'i');
      const index = below === null ? '' : below.length > 1 ? `_{${below}}` : `_${below}`;
      const symbol = symbolOf(`${letterText(base).trim()}${index}`, real);
      return above === null ? symbol : power(symbol, above);
    }),
  );
  const numeral = map(
    sequence(token('NUMBER'), optional(subscript), ({ text }) => text),
    (text) => numberOfText(/^\d+$/.test(text) ? text.replace(/^0+(?=\d)/, '') : text),
  );
  const anyAtom = outcomes.rule(
    'atom',
    choice(
      atomExpression,
      converted('SYMBOL', (text) => {
        if (!text.includes('infty')) throw new Unparsable(text);
        return node('constant', [], 'oo');
      }),
      numeral,
      converted('PERCENT_NUMBER', (text) => percentOf(numberOfText(text.replace(/[\s\\%]/g, '')))),
      converted('E_NOTATION', (text) => numberOfText(text)),
      converted('E', () => symbolOf('E', real)),
      converted('DIFFERENTIAL', (text) =>
        node('symbol', [], `d${text.slice(1).trim().replace(/^\\/, '')}${real ? '' : '!'}`),
      ),
    ),
  );

  return { atom, atomExpression, letter, braced, superscript, subscript, listed };
}

/** The name under an accent: `\text{C}` is C, `\bar{x}` and `\overline{x}` are one symbol. */
function letterText(token: Token): string {
  if (token.type !== 'ACCENT') return token.text;
  const open = token.text.indexOf('{');
  const accent = token.text.slice(1, open);
  const inner = token.text.slice(open + 1, -1).replaceAll(' ', '');
  if (accent.includes('text') || accent.includes('mbox')) return inner.replace(/[()]/g, '');
  if (accent === 'overline') return `bar{${inner}}`;
  if (accent === 'overrightarrow') return `vec{${inner}}`;
  if (accent === 'widetilde') return `tilde{${inner}}`;
  return `${accent.includes('math') ? 'math' : accent}{${inner}}`;
}
