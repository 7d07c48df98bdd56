/**
 * Tokens of the reference's LaTeX: the lexer of the grammar PS.g4 (latex2sympy2_extended 1.10.1). The longest token wins, among
 * equals the one defined first; a character that begins none makes the text unparsable.
 */
import { Unparsable } from './tree.ts';

export interface Token {
  readonly type: string;
  readonly text: string;
}

const words = (type: string, texts: string): [string, string][] => texts.split(' ').map((text) => [text, type]);

const GREEK =
  '\\alpha α \\beta β \\gamma γ \\Gamma Γ \\delta δ \\Delta Δ \\epsilon ε \\varepsilon ϵ \\zeta ζ \\eta η \\theta θ \\Theta Θ \\vartheta ϑ \\iota ι \\kappa κ \\lambda λ \\Lambda Λ \\mu μ \\nu ν \\xi ξ \\Xi Ξ \\omicron ο \\pi π \\Pi Π \\varpi ϖ \\rho ρ \\varrho ϱ \\sigma σ \\Sigma Σ \\varsigma ς \\tau τ \\upsilon υ \\Upsilon Υ \\phi φ \\Phi Φ \\varphi ϕ \\chi χ \\psi ψ \\Psi Ψ \\omega ω \\Omega Ω';
const OTHER_SYMBOLS =
  '\\Bbbk \\wp \\nabla \\bigstar \\angle \\nexists \\diagdown \\measuredangle \\eth ℵ ℶ ℷ ℸ \\diagup \\sphericalangle \\clubsuit \\varnothing \\Diamond \\complement \\diamondsuit \\imath \\Finv \\triangledown \\heartsuit \\jmath \\Game \\triangle \\spadesuit \\ell \\hbar \\vartriangle \\hslash \\blacklozenge \\lozenge \\blacksquare \\mho \\blacktriangle \\sharp \\prime \\Im \\flat \\square \\backprime \\Re \\natural \\surd \\circledS';
const FUNCTIONS =
  '\\log \\ln \\exp \\sin \\cos \\tan \\csc \\sec \\cot \\arcsin \\arccos \\arctan \\arccsc \\arcsec \\arccot \\sinh \\cosh \\tanh \\arsinh \\arcosh \\artanh \\arcsinh \\arccosh \\arctanh \\floor \\ceil \\det';
/** Names that mean something after \operatorname only; elsewhere they spoil the text. */
const NAMES =
  'arsinh arcsinh arcosh arccosh artanh arctanh gcd lcm floor ceil eye zeros ones cols rows diag norm rank trace tr rref hstack vstack orth ortho orthogonal orthogonalize nullspace eig eigen diagonalize eigenvals eigenvalues eigenvects eigenvectors svd SVD matrix pmatrix bmatrix vmatrix';

const LITERALS: ReadonlyMap<string, string> = new Map([
  ...words('TRANSPOSE', "^T ^{T} '"),
  ...words('DEGREE', '^\\circ ^\\degree ^\\circle ^° ^{\\circ} ^{\\degree} ^{\\circle} ^{°}'),
  ...words(
    'SKIP',
    '\\, \\thinspace \\: \\medspace \\; \\thickspace \\quad \\qquad \\! \\negthinspace \\negmedspace \\negthickspace \\$ \\vrule \\vcenter \\vbox \\vskip \\vspace \\hfil',
  ),
  ...words('+', '+ ∔ ⊕ ⊞'),
  ...words('-', '- − ∸'),
  ...words('*', '* × ⋅ ⋄ ⊡ ∗ ⋆ ∘ ∙ ⊗ ⊠ ⋈ ⋉ ⋊ \\times \\cdot'),
  ...words('/', '/ ÷ ∕ \\over \\div :'),
  ...words('MOD', '\\mod'),
  ...'( ) [ ] { } | _ ^ ; , . & ! \\( \\) \\{ \\} \\| \\lgroup \\rgroup \\lbrace \\rbrace \\lbrack \\rbrack \\phantom \\boxed \\lvert \\rvert \\vert \\langle \\rangle \\lfloor \\rfloor \\llcorner \\lrcorner \\lceil \\rceil \\ulcorner \\urcorner \\lim \\int \\sum \\prod \\sqrt \\choose \\mathit \\operatorname \\\\'
    .split(' ')
    .map((text): [string, string] => [text, text]),
  ...words('ARROW', '\\to \\rightarrow \\Rightarrow \\longrightarrow \\Longrightarrow \\xrightarrow \\xRightarrow'),
  ...words('EXCHANGE', '<-> <=> \\leftrightarrow \\Leftrightarrow'),
  ...words('FUNCTION', FUNCTIONS),
  ...words('FUNCTION_MANY', '\\gcd \\lcm \\max \\min'),
  ...words('FRAC', '\\frac \\dfrac \\tfrac \\cfrac'),
  ...words('BINOM', '\\binom \\tbinom \\dbinom'),
  ...words('NAME', NAMES),
  ...words('EXP', 'e \\exponentialE'),
  ...words('E', 'E'),
  ...words('IN', '\\in'),
  ...words('=', '= ≡ ≣ ≟ ≎ ≏ ≐ ≑ ≒ ≓ ≔ ≕ ≖ ≗'),
  ...words('==', '== \\equiv'),
  ...words('APPROX', '~= ≈ ≊ ≋ ≃ ≅ \\approx'),
  ...words('<', '< ≪ ≺ ⋖ \\lt'),
  ...words('<=', '\\leq \\le \\leqslant ≤ ≦ ≲ ≾ <='),
  ...words('>', '> ≫ ≻ ⋗ \\gt'),
  ...words('>=', '\\geq \\ge \\geqslant ≥ ≧ ≳ ≿ >='),
  ...words('!=', '!= !== \\ne \\neq \\not\\equiv ≠ ≁ ≄ ≇ ≉ ≢'),
  ...words('GREEK', GREEK),
  ...words('OTHER', OTHER_SYMBOLS),
  ...words('SYMBOL', '\\partial \\infty \\$\\infty \\infty% \\infty\\%'),
  ...words('NATURALS', '\\mathbb{N} ℕ'),
  ...words('INTEGERS', '\\mathbb{Z} ℤ'),
  ...words('RATIONALS', '\\mathbb{Q} ℚ'),
  ...words('REALS', '\\mathbb{R} ℝ'),
  ...words('COMPLEXES', '\\mathbb{C} ℂ'),
  ...words('PRIMES', '\\mathbb{P} ℙ'),
  ...words('CUP', '\\cup ∪'),
  ...words('CAP', '\\cap ∩'),
  ...words('SETMINUS', '\\setminus ∖'),
  ...words('PLUS_MINUS', '\\pm ± ∓ \\mp'),
  ...words('EMPTY', '\\emptyset ∅ \\{\\} \\lbrace\\rbrace'),
  ...words('SUPSET', '\\supseteq ⊇'),
  ...words('SUBSET', '\\subseteq ⊆'),
  ...words('NOTIN', '\\notin ∉'),
]);
const LONGEST = Math.max(...[...LITERALS.keys()].map((text) => text.length));

const ACCENTS =
  'acute|bar|overline|breve|check|widecheck|dot|ddot|grave|hat|tilde|widetilde|vec|overrightarrow|bm|boldsymbol|text|textit|textbf|textnormal|mathbb|mathbin|mathbf|mathcal|mathclap|mathclose|mathellipsis|mathfrak|mathinner|mathit|mathnormal|mathop|mathopen|mathord|mathpunct|mathrel|mathring|mathrlap|mathrm|mathscr|mathsf|mathsterling|mathtt|mbox';
const NUMBER = '(?:\\d*\\.\\d+|\\d+)';
const PATTERNS: readonly (readonly [string, RegExp])[] = [
  ['SKIP', /[ \t\r\n]+/y],
  ['DIFFERENTIAL', /d[ \t\r\n]*(?:\\[a-zA-Z]+|[a-zA-Z])/y],
  ['LETTER', /[a-df-zA-DF-Z]/y],
  ['NUMBER', new RegExp(NUMBER, 'y')],
  ['E_NOTATION', new RegExp(`${NUMBER}E[-−∸+∔⊕⊞]?\\d+`, 'y')],
  ['PERCENT_NUMBER', new RegExp(`${NUMBER}[ \\t\\r\\n]?(?:\\\\%|%)`, 'y')],
  ['ACCENT', new RegExp(`\\\\(?:${ACCENTS})[ \\t\\r\\n]?\\{[^}]*\\}`, 'y')],
  ['MATRIX_BEGIN', /\\begin\{[pb]?matrix\}/y],
  ['MATRIX_END', /\\end\{[pb]?matrix\}/y],
  ['ARRAY_BEGIN', /\\begin\{array\}\{[clr]*\}/y],
  ['ARRAY_END', /\\end\{array\}/y],
  ['DET_BEGIN', /\\begin\{vmatrix\}/y],
  ['DET_END', /\\end\{vmatrix\}/y],
];

function literalAt(text: string, at: number): Token | null {
  for (let length = Math.min(LONGEST, text.length - at); length > 0; length -= 1) {
    const piece = text.slice(at, at + length);
    const type = LITERALS.get(piece);
    if (type === undefined) continue;
    // A command for a letter takes one space after it, which is part of its text.
    const space = (type === 'GREEK' || type === 'OTHER') && text[at + length] === ' ' ? ' ' : '';
    return { type, text: piece + space };
  }
  return null;
}

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    let best = literalAt(text, at);
    for (const [type, pattern] of PATTERNS) {
      pattern.lastIndex = at;
      const piece = pattern.exec(text)?.[0];
      if (piece !== undefined && piece.length > (best?.text.length ?? 0)) best = { type, text: piece };
    }
    if (best === null) throw new Unparsable(`character ${at}`);
    if (best.type !== 'SKIP') tokens.push(best);
    at += best.text.length;
  }
  return tokens;
}
