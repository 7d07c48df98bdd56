/** Rules on the tokens of one text, from which the grammar is put together. */
import { after, before, choice, map, type Rule } from './outcomes.ts';
import type { Token } from './tokens.ts';

export interface TokenRules {
  /** One token of the type. */
  readonly token: (type: string) => Rule<Token>;
  /** One token of the type, converted from its text. */
  readonly converted: <T>(type: string, convert: (text: string) => T) => Rule<T>;
  /** One token of any of the types; its type. */
  readonly oneOf: <T extends string>(...types: readonly T[]) => Rule<T>;
  readonly enclosed: <T>(open: string, body: Rule<T>, close: string) => Rule<T>;
  /** What a rule takes, as text without spaces. */
  readonly textOf: (rule: Rule<unknown>) => Rule<string>;
}

export function tokenRules(tokens: readonly Token[]): TokenRules {
  const token =
    (type: string): Rule<Token> =>
    (start) => {
      const found = tokens[start];
      return found?.type === type ? [{ end: start + 1, build: () => found }] : [];
    };
  const text = (start: number, end: number): string =>
    tokens
      .slice(start, end)
      .map((part) => part.text)
      .join('');
  return {
    token,
    converted: (type, convert) => map(token(type), (found) => convert(found.text)),
    oneOf: (...types) => choice(...types.map((type) => map(token(type), () => type))),
    enclosed: (open, body, close) => before(after(token(open), body), token(close)),
    textOf: (rule) => (start) => rule(start).map(({ end }) => ({ end, build: () => text(start, end) })),
  };
}
