/** LaTeX to text the way pylatexenc 2.10's `latex_to_text` renders short answers; the official grader compares what comes out of it. */
import {
  ACCENTS,
  ALPHABETS,
  DISPLAY_ENVIRONMENTS,
  MATRIX_ENVIRONMENTS,
  SPECIALS,
  SYMBOLS,
  TEMPLATES,
  TRANSPARENT,
} from './latex-tables.ts';
import { LatexUnreadable, parseLatex, type LatexNode } from './latex-walker.ts';
import { pythonStrip } from './python-text.ts';

export { LatexUnreadable } from './latex-walker.ts';

type Macro = Extract<LatexNode, { kind: 'macro' }>;

const SPECIAL_TEXT: ReadonlyMap<string, string> = new Map(SPECIALS);

export function latexToText(latex: string): string {
  return render(parseLatex(latex), false);
}

/** Inside of `\( \)` and of display environments the reference keeps the space behind bare macros and drops blank text; outside neither. */
function render(nodes: readonly LatexNode[], inMath: boolean): string {
  let text = '';
  let previous: LatexNode | null = null;
  for (const node of nodes) {
    if (inMath && node.kind === 'chars' && previous?.kind === 'macro' && isBare(previous)) text += previous.spaceAfter;
    text += renderNode(node, inMath);
    previous = node;
  }
  return text;
}

/** A macro that took nothing keeps the space behind it. An optional argument alone counts only when it is there. */
function isBare({ signature, args }: Macro): boolean {
  if (args === null || args.length === 0) return true;
  const plain = signature.replace(/^\*+/, '');
  return plain === '[' && args.at(-1) === null;
}

function renderNode(node: LatexNode, inMath: boolean): string {
  switch (node.kind) {
    case 'chars':
      return inMath && pythonStrip(node.text) === '' ? '' : node.text;
    case 'group':
      return render(node.nodes, inMath);
    case 'special':
      return SPECIAL_TEXT.get(node.text) ?? node.text;
    case 'math': {
      const content = pythonStrip(render(node.nodes, true));
      return node.display ? indentedBlock(content) : content;
    }
    case 'environment':
      return renderEnvironment(node.name, node.nodes, inMath);
    default:
      return renderMacro(node, inMath);
  }
}

function indentedBlock(text: string): string {
  return `\n    ${text.replaceAll('\n', '\n    ')}\n`;
}

function renderEnvironment(name: string, nodes: readonly LatexNode[], inMath: boolean): string {
  if (MATRIX_ENVIRONMENTS.has(name)) return renderMatrix(nodes, inMath);
  if (DISPLAY_ENVIRONMENTS.has(name)) return indentedBlock(pythonStrip(render(nodes, true)));
  const content = render(nodes, inMath);
  return name === 'center' || name === 'flushleft' || name === 'flushright' ? `\n${content}\n` : content;
}

function renderMatrix(nodes: readonly LatexNode[], inMath: boolean): string {
  const rows: string[][] = [[]];
  let cell: LatexNode[] = [];
  const endCell = (): void => {
    if (cell.length > 0) rows.at(-1)?.push(pythonStrip(render(cell, inMath)));
    cell = [];
  };
  for (const node of nodes) {
    if (node.kind === 'special' && node.text === '&') endCell();
    else if (node.kind === 'macro' && node.name === '\\') {
      endCell();
      rows.push([]);
    } else cell.push(node);
  }
  endCell();
  const widths = rows.flat().map((text) => Array.from(text).length);
  if (widths.length === 0) throw new LatexUnreadable('matrix without cells');
  const width = Math.max(...widths);
  const padded = (text: string): string => ' '.repeat(width - Array.from(text).length) + text;
  return `[ ${rows.map((row) => row.map(padded).join(' ')).join('; ')} ]`;
}

function renderMacro({ name, args }: Macro, inMath: boolean): string {
  const argument = (i: number): string => {
    const node = args?.[i] ?? null;
    return node === null ? '' : renderNode(node, inMath);
  };
  const all = (): string[] => (args ?? []).map((_, i) => argument(i));
  const alphabet = ALPHABETS.get(name);
  if (alphabet !== undefined) return styled(argument(0), alphabet);
  const accent = ACCENTS.get(name);
  if (accent !== undefined) return accented(args === null ? ' ' : pythonStrip(argument(0)), accent);
  const template = TEMPLATES.get(name);
  if (template !== undefined) return fill(template, all());
  if (TRANSPARENT.has(name)) return all().join('');
  if (name === 'texorpdfstring') return argument(1);
  if (name === 'item') return `\n  ${args?.[0] == null ? '* ' : argument(0)}`;
  return SYMBOLS.get(name) ?? '';
}

function fill(template: string, texts: readonly string[]): string {
  const numbered = /%(\d)/.exec(template);
  if (numbered !== null) {
    const text = texts[Number(numbered[1]) - 1];
    if (text === undefined) throw new LatexUnreadable('argument missing');
    return template.replace(numbered[0], () => text);
  }
  const pieces = template.split('%s');
  if (pieces.length - 1 !== texts.length) return template;
  return pieces.map((piece, i) => `${piece}${texts[i] ?? ''}`).join('');
}

function accented(text: string, accent: string): string {
  return Array.from(text, (character) => {
    const base = character === 'ı' ? 'i' : character === 'ȷ' ? 'j' : character;
    return `${base}${accent}`.normalize('NFC');
  }).join('');
}

function styled(text: string, [upper, lower, special]: readonly [number, number, string]): string {
  return text.replace(/[A-Za-z]/g, (letter) => {
    const known = Array.from(special);
    const at = known.indexOf(letter);
    if (at !== -1 && at % 2 === 0) return known[at + 1] as string;
    const code = letter.charCodeAt(0);
    return String.fromCodePoint(code < 91 ? upper + code - 65 : lower + code - 97);
  });
}
