/**
 * The tables of pylatexenc 2.10 (MIT licence) that decide how a short answer is rendered: which macros take arguments, and what they turn into.
 * Left out: Cyrillic letters, sectioning and title macros, and `\today`, which have no place in an answer.
 */

/** Signatures as in the reference: `{` an argument, `[` an optional one in brackets, `*` an optional star. */
const SIGNATURES =
  '[{ hphantom vphantom sqrt footnote xleftarrow xrightarrow color pagecolor includegraphics documentclass usepackage | ' +
  '[{{ setlength addlength setcounter addcounter textcolor colorbox | *{ hspace vspace | *[ \\ | [ item | ' +
  '{{ frac nicefrac braket ketbra texorpdfstring | *{{ DeclareMathOperator | *{[[{ newcommand renewcommand | [{[{{ fcolorbox | ' +
  '*[[{ cite citet citep | { mbox input include emph textrm textit textbf textmd textsc textsf textsl texttt textup text mathrm mathbb ' +
  'mathbf mathit mathsf mathtt mathcal mathscr mathfrak label ref autoref cref Cref eqref url keywords \' ` " c ^ ~ H k = b . d r u v ' +
  'ensuremath not vec dot hat check breve acute grave tilde bar ddot overline underline widehat widetilde wideparen overleftarrow ' +
  'overrightarrow overleftrightarrow underleftarrow underrightarrow underleftrightarrow overbrace underbrace overgroup undergroup ' +
  'overbracket underbracket overlinesegment underlinesegment overleftharpoon overrightharpoon ket bra hint hints hinweis hinweise';

function bySignature(table: string): Map<string, string> {
  const result = new Map<string, string>();
  for (const group of table.split(' | ')) {
    const [signature, ...names] = group.split(' ');
    for (const name of names) result.set(name, signature as string);
  }
  return result;
}

export const MACRO_SIGNATURES: ReadonlyMap<string, string> = bySignature(SIGNATURES);
export const ENVIRONMENT_SIGNATURES: ReadonlyMap<string, string> = bySignature(
  '[ figure figure* table table* theorem proposition lemma corollary definition conjecture remark proof enumerate itemize description | ' +
    '{ tabular alignat alignat* | {{ tabular* | {[{ tabularx | [{ array',
);
/** Environments that are set as a block of their own. */
export const DISPLAY_ENVIRONMENTS: ReadonlySet<string> = new Set(
  'equation equation* eqnarray eqnarray* align align* multline multline* gather gather* dmath dmath*'.split(' '),
);
export const MATRIX_ENVIRONMENTS: ReadonlySet<string> = new Set(
  'array pmatrix bmatrix smallmatrix psmallmatrix bsmallmatrix'.split(' '),
);

/** Longest first. */
export const SPECIALS: readonly (readonly [string, string])[] = [
  ['---', '—'],
  ['--', '–'],
  ['``', '“'],
  ["''", '”'],
  ['!`', '¡'],
  ['?`', '¿'],
  ['&', '   '],
  ['~', '\u00a0'],
];

/** Macros whose arguments are printed one after the other. */
export const TRANSPARENT: ReadonlySet<string> = new Set(
  'mathrm emph textrm textit textbf textsc textsl text'.split(' '),
);

/** `%s` takes the arguments in order and fails, leaving itself, when their number differs; `%2` takes the second one. */
export const TEMPLATES: ReadonlyMap<string, string> = new Map([
  ['sqrt', '√(%2)'],
  ['footnote', '[%2]'],
  ['textcolor', '%3'],
  ['colorbox', '%3'],
  ['fcolorbox', '%5'],
  ['ket', '|%s⟩'],
  ['bra', '⟨%s|'],
  ['braket', '⟨%s|%s⟩'],
  ['ketbra', '|%s⟩⟨%s|'],
  ['url', '<%s>'],
  ['hint', 'Hint: %s'],
  ['hints', 'Hints: %s'],
  ['hinweis', 'Hinweis: %s'],
  ['hinweise', 'Hinweise: %s'],
  ...'frac nicefrac textfrac'.split(' ').map((name) => [name, '%s/%s'] as const),
  ...(
    'overline underline widehat widetilde wideparen overleftarrow overrightarrow overleftrightarrow underleftarrow underrightarrow ' +
    'underleftrightarrow overbrace underbrace overgroup undergroup overbracket underbracket overlinesegment underlinesegment ' +
    'overleftharpoon overrightharpoon'
  )
    .split(' ')
    .map((name) => [name, '%s'] as const),
]);

/** Combining characters of the accents; some of them share a mark. */
export const ACCENTS: ReadonlyMap<string, string> = new Map([
  ["'", '\u0301'],
  ['`', '\u0300'],
  ['"', '\u0308'],
  ['c', '\u0327'],
  ['^', '\u0302'],
  ['~', '\u0303'],
  ['H', '\u030b'],
  ['k', '\u0328'],
  ['=', '\u0304'],
  ['b', '\u0331'],
  ['.', '\u0307'],
  ['d', '\u0323'],
  ['r', '\u030a'],
  ['u', '\u0306'],
  ['v', '\u030c'],
  ['vec', '\u20d7'],
  ['dot', '\u0307'],
  ['hat', '\u0302'],
  ['check', '\u030c'],
  ['breve', '\u0306'],
  ['acute', '\u0301'],
  ['grave', '\u0300'],
  ['tilde', '\u0303'],
  ['bar', '\u0305'],
  ['ddot', '\u0308'],
  ['not', '\u0338'],
]);

/** Where capitals and small letters of an alphabet start, and the letters that Unicode put elsewhere. */
export const ALPHABETS: ReadonlyMap<string, readonly [number, number, string]> = new Map([
  ['mathbf', [0x1d400, 0x1d41a, '']],
  ['mathit', [0x1d434, 0x1d44e, 'hℎ']],
  ['mathsf', [0x1d5a0, 0x1d5ba, '']],
  ['mathbb', [0x1d538, 0x1d552, 'CℂHℍNℕPℙQℚRℝZℤ']],
  ['mathtt', [0x1d670, 0x1d68a, '']],
  ['mathcal', [0x1d49c, 0x1d4b6, 'BℬEℰFℱHℋIℐLℒMℳRℛeℯgℊoℴ']],
  ['mathscr', [0x1d49c, 0x1d4b6, 'BℬEℰFℱHℋIℐLℒMℳRℛeℯgℊoℴ']],
  ['mathfrak', [0x1d504, 0x1d51e, 'CℭHℌIℑRℜZℨ']],
]);

const ITSELF =
  'cos sin tan arccos arcsin arctan cosh sinh tanh arccosh arcsinh arctanh ln log exp max min sup inf lim & $ { } # _';
const SYMBOL_PAIRS =
  'oe œ OE Œ ae æ AE Æ aa å AA Å o ø O Ø ss ß L Ł l ł i ı j ȷ textquoteleft ‘ textquoteright ’ textquotedblright ” ' +
  'textquotedblleft “ textendash – textemdash — textpm ± textmp ∓ texteuro € hbar ħ ell ℓ forall ∀ complement ∁ ' +
  'partial ∂ exists ∃ nexists ∄ varnothing ∅ emptyset ∅ aleph ℵ nabla ∇ in ∈ notin ∉ ni ∋ prod ∏ coprod ∐ sum ∑ ' +
  'setminus ∖ smallsetminus ∖ ast ∗ circ ∘ bullet ∙ propto ∝ infty ∞ parallel ∥ nparallel ∦ wedge ∧ vee ∨ cap ∩ ' +
  'cup ∪ int ∫ iint ∬ iiint ∭ oint ∮ sim ∼ backsim ∽ simeq ≃ approx ≈ neq ≠ equiv ≡ le ≤ ge ≥ leq ≤ geq ≥ ' +
  'leqslant ⩽ geqslant ⩾ leqq ≦ geqq ≧ lneqq ≨ gneqq ≩ ll ≪ gg ≫ nless ≮ ngtr ≯ nleq ≰ ngeq ≱ lesssim ≲ gtrsim ≳ ' +
  'lessgtr ≶ gtrless ≷ prec ≺ succ ≻ preceq ≼ succeq ≽ precsim ≾ succsim ≿ nprec ⊀ nsucc ⊁ subset ⊂ supset ⊃ ' +
  'subseteq ⊆ supseteq ⊇ nsubseteq ⊈ nsupseteq ⊉ subsetneq ⊊ supsetneq ⊋ cdot · times × otimes ⊗ oplus ⊕ ' +
  'bigotimes ⊗ bigoplus ⊕ dag † dagger † pm ± mp ∓ ldots … cdots ⋯ ddots ⋱ iddots ⋰ vdots ⋮ dots … dotsc … dotsb … ' +
  'dotsm … dotsi … dotso … langle ⟨ rangle ⟩ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖ mid | nmid ∤ uparrow ↑ ' +
  'downarrow ↓ rightarrow → to → leftarrow ← longrightarrow ⟶ longleftarrow ⟵ alpha α Alpha Α beta β Beta Β ' +
  'gamma γ Gamma Γ delta δ Delta Δ epsilon ϵ Epsilon Ε zeta ζ Zeta Ζ eta η Eta Η theta θ Theta Θ iota ι Iota Ι ' +
  'kappa κ Kappa Κ lambda λ Lambda Λ mu μ Mu Μ nu ν Nu Ν xi ξ Xi Ξ omicron ο Omicron Ο pi π Pi Π rho ρ Rho Ρ ' +
  'sigma σ Sigma Σ tau τ Tau Τ upsilon υ Upsilon Υ phi ϕ Phi Φ chi χ Chi Χ psi ψ Psi Ψ omega ω Omega Ω ' +
  'varepsilon ε vartheta ϑ varpi ϖ varrho ϱ varsigma ς varphi φ ref <ref> autoref <ref> cref <ref> Cref <Ref> ' +
  'eqref (<ref>) cite <cit.> citet <cit.> citep <cit.> textasciicircum ˆ textasciitilde ~ textexclamdown ¡ ' +
  'textcent ¢ textsterling £ textcurrency ¤ textyen ¥ textbrokenbar ¦ textsection § textasciidieresis ¨ ' +
  'textcopyright © textordfeminine ª guillemotleft « textlnot ¬ textregistered ® textasciimacron ¯ textdegree ° ' +
  'texttwosuperior ² textthreesuperior ³ textasciiacute ´ textmu µ textparagraph ¶ textperiodcentered ˙ ' +
  'textonesuperior ¹ textordmasculine º guillemotright » textonequarter ¼ textonehalf ½ textthreequarters ¾ ' +
  'textquestiondown ¿ DH Ð texttimes × TH Þ dh ð textdiv ÷ th þ DJ Đ dj đ IJ Ĳ ij ĳ NG Ŋ ng ŋ textflorin ƒ ' +
  'texthvlig ƕ textnrleg ƞ textschwa ə textphi ɸ textglotstop ʔ textturnk ʞ textasciicaron ˇ textasciibreve ˘ ' +
  'textacutedbl ˝ varkappa ϰ backepsilon ϶ textbaht ฿ quotesinglbase ‚ quotedblbase „ textdagger † textdaggerdbl ‡ ' +
  'textbullet • textellipsis … textperthousand ‰ textpertenthousand ‱ backprime ‵ guilsinglleft ‹ guilsinglright › ' +
  'textreferencemark ※ textinterrobang ‽ textfractionsolidus ⁄ textasteriskcentered ⁎ textdiscount ⁒ ' +
  'textcolonmonetary ₡ textlira ₤ textnaira ₦ textwon ₩ textdong ₫ textpeso ₱ textcelsius ℃ textnumero № ' +
  'textcircledP ℗ wp ℘ textrecipe ℞ textservicemark ℠ texttrademark ™ textohm Ω textmho ℧ textestimated ℮ beth ℶ ' +
  'gimel ℷ daleth ℸ textleftarrow ← textuparrow ↑ textrightarrow → textdownarrow ↓ leftrightarrow ↔ updownarrow ↕ ' +
  'nwarrow ↖ nearrow ↗ searrow ↘ swarrow ↙ nleftarrow ↚ nrightarrow ↛ arrowwaveleft ↜ arrowwaveright ↝ ' +
  'twoheadleftarrow ↞ twoheadrightarrow ↠ leftarrowtail ↢ rightarrowtail ↣ mapsto ↦ hookleftarrow ↩ ' +
  'hookrightarrow ↪ looparrowleft ↫ looparrowright ↬ leftrightsquigarrow ↭ nleftrightarrow ↮ Lsh ↰ Rsh ↱ ' +
  'curvearrowleft ↶ curvearrowright ↷ circlearrowleft ↺ circlearrowright ↻ leftharpoonup ↼ leftharpoondown ↽ ' +
  'upharpoonright ↾ upharpoonleft ↿ rightharpoonup ⇀ rightharpoondown ⇁ downharpoonright ⇂ downharpoonleft ⇃ ' +
  'rightleftarrows ⇄ dblarrowupdown ⇅ leftrightarrows ⇆ leftleftarrows ⇇ upuparrows ⇈ rightrightarrows ⇉ ' +
  'downdownarrows ⇊ leftrightharpoons ⇋ rightleftharpoons ⇌ nLeftarrow ⇍ nLeftrightarrow ⇎ nRightarrow ⇏ ' +
  'Leftarrow ⇐ Uparrow ⇑ Rightarrow ⇒ Downarrow ⇓ Leftrightarrow ⇔ Updownarrow ⇕ Lleftarrow ⇚ Rrightarrow ⇛ ' +
  'rightsquigarrow ⇝ DownArrowUpArrow ⇵ blacksquare ▪ dotplus ∔ rightangle ∟ angle ∠ measuredangle ∡ ' +
  'sphericalangle ∢ surfintegral ∯ volintegral ∰ clwintegral ∱ therefore ∴ because ∵ homothetic ∻ lazysinv ∾ wr ≀ ' +
  'cong ≅ approxnotequal ≆ approxeq ≊ tildetrpl ≋ allequal ≌ asymp ≍ Bumpeq ≎ bumpeq ≏ doteq ≐ doteqdot ≑ ' +
  'fallingdotseq ≒ risingdotseq ≓ eqcirc ≖ circeq ≗ estimates ≙ starequal ≛ triangleq ≜ between ≬ notlessgreater ≸ ' +
  'notgreaterless ≹ uplus ⊎ sqsubset ⊏ sqsupset ⊐ sqsubseteq ⊑ sqsupseteq ⊒ sqcap ⊓ sqcup ⊔ ominus ⊖ oslash ⊘ ' +
  'odot ⊙ circledcirc ⊚ circledast ⊛ circleddash ⊝ boxplus ⊞ boxminus ⊟ boxtimes ⊠ boxdot ⊡ vdash ⊢ dashv ⊣ top ⊤ ' +
  'perp ⊥ truestate ⊧ forcesextra ⊨ Vdash ⊩ Vvdash ⊪ VDash ⊫ nvdash ⊬ nvDash ⊭ nVdash ⊮ nVDash ⊯ vartriangleleft ⊲ ' +
  'vartriangleright ⊳ trianglelefteq ⊴ trianglerighteq ⊵ original ⊶ image ⊷ multimap ⊸ hermitconjmatrix ⊹ ' +
  'intercal ⊺ veebar ⊻ rightanglearc ⊾ bigwedge ⋀ bigvee ⋁ bigcap ⋂ bigcup ⋃ diamond ♢ star ⋆ divideontimes ⋇ ' +
  'bowtie ⋈ ltimes ⋉ rtimes ⋊ leftthreetimes ⋋ rightthreetimes ⋌ backsimeq ⋍ curlyvee ⋎ curlywedge ⋏ Subset ⋐ ' +
  'Supset ⋑ Cap ⋒ Cup ⋓ pitchfork ⋔ lessdot ⋖ gtrdot ⋗ verymuchless ⋘ verymuchgreater ⋙ lesseqgtr ⋚ gtreqless ⋛ ' +
  'curlyeqprec ⋞ curlyeqsucc ⋟ lnsim ⋦ gnsim ⋧ precedesnotsimilar ⋨ succnsim ⋩ ntriangleleft ⋪ ntriangleright ⋫ ' +
  'ntrianglelefteq ⋬ ntrianglerighteq ⋭ udots ⋰ barwedge ⌅ varperspcorrespond ⌆ lceil ⌈ rceil ⌉ lfloor ⌊ rfloor ⌋ ' +
  'recorder ⌕ ulcorner ⌜ urcorner ⌝ llcorner ⌞ lrcorner ⌟ frown ⌢ smile ⌣ lmoustache ⎰ rmoustache ⎱ textlangle 〈 ' +
  'textrangle 〉 textblank ␢ textvisiblespace ␣ square □ bigtriangleup △ blacktriangle ▴ vartriangle ▵ ' +
  'blacktriangleright ▸ triangleright ▹ bigtriangledown ▽ blacktriangledown ▾ triangledown ▿ blacktriangleleft ◂ ' +
  'triangleleft ◃ lozenge ◊ bigcirc ◯ textopenbullet ◦ textbigcircle ◯ textmusicalnote ♪ quarternote ♩ flat ♭ ' +
  'natural ♮ sharp ♯ longleftrightarrow ⟷ Longleftarrow ⟸ Longrightarrow ⟹ Longleftrightarrow ⟺ longmapsto ⟼ ' +
  'blacklozenge ⧫ clockoint ⨏ sqrint ⨖ amalg ⨿ lessapprox ⪅ gtrapprox ⪆ lneq ⪇ gneq ⪈ lnapprox ⪉ gnapprox ⪊ ' +
  'lesseqqgtr ⪋ gtreqqless ⪌ eqslantless ⪕ eqslantgtr ⪖ precneqq ⪵ succneqq ⪶ precapprox ⪷ succapprox ⪸ ' +
  'precnapprox ⪹ succnapprox ⪺ subseteqq ⫅ supseteqq ⫆ subsetneqq ⫋ supsetneqq ⫌ textdollar $ lbrace { rbrace } ' +
  'lnot ¬ div ÷ eth ƪ textdoublepipe ǂ texttildelow ˜ texttheta θ textvartheta ϑ Stigma Ϛ Digamma Ϝ digamma ϝ ' +
  'Koppa Ϟ Sampi Ϡ textTheta ϴ hslash ℏ mho ℧ surd √ Colon ∷ lessequivlnt ≲ greaterequivlnt ≳ preccurlyeq ≼ ' +
  'succcurlyeq ≽ upslopeellipsis ⋰ downslopeellipsis ⋱ circledS Ⓢ diagup ╱ rightmoon ☾ mercury ☿ venus ♀ male ♂ ' +
  'jupiter ♃ saturn ♄ uranus ♅ neptune ♆ pluto ♇ aries ♈ taurus ♉ gemini ♊ cancer ♋ leo ♌ virgo ♍ libra ♎ ' +
  'scorpio ♏ sagittarius ♐ capricornus ♑ aquarius ♒ pisces ♓ eighthnote ♪ UpArrowBar ⤒ DownArrowBar ⤓ ' +
  'LeftRightVector ⥎ RightUpDownVector ⥏ DownLeftRightVector ⥐ LeftUpDownVector ⥑ LeftVectorBar ⥒ RightVectorBar ⥓ ' +
  'RightUpVectorBar ⥔ RightDownVectorBar ⥕ DownLeftVectorBar ⥖ DownRightVectorBar ⥗ LeftUpVectorBar ⥘ ' +
  'LeftDownVectorBar ⥙ LeftTeeVector ⥚ RightTeeVector ⥛ RightUpTeeVector ⥜ RightDownTeeVector ⥝ ' +
  'DownLeftTeeVector ⥞ DownRightTeeVector ⥟ LeftUpTeeVector ⥠ LeftDownTeeVector ⥡ UpEquilibrium ⥮ ' +
  'ReverseUpEquilibrium ⥯ RoundImplies ⥰ Angle ⦜ LeftTriangleBar ⧏ RightTriangleBar ⧐ RuleDelayed ⧴ ' +
  'perspcorrespond ⩞ Equal ⩵ NestedLessLess ⪡ NestedGreaterGreater ⪢ openbracketleft 〚 openbracketright 〛 id 𝕀 ' +
  'Ident 𝕀';
const ODD_SYMBOLS: readonly (readonly [string, string])[] = [
  ['%', '%'],
  ['backslash', '\\'],
  ['textbackslash', '\\'],
  ['limsup', 'lim sup'],
  ['liminf', 'lim inf'],
  ['prime', "'"],
  [',', ' '],
  [';', ' '],
  [':', ' '],
  [' ', ' '],
  ['quad', '  '],
  ['qquad', '    '],
  ['enskip', '\u2002'],
  ['vspace', '\n'],
  ['\\', '\n'],
  ['-', '\u00ad'],
  ['textcompwordmark', '\u200c'],
  ['nolinebreak', '\u2060'],
  ['textquotesingle', "'"],
  ['textasciigrave', '`'],
  ['dddot', '\u20db'],
  ['ddddot', '\u20dc'],
];

/** Macros that are printed as one fixed text, whatever their arguments. */
export const SYMBOLS: ReadonlyMap<string, string> = new Map<string, string>([
  ...ITSELF.split(' ').map((name) => [name, name] as const),
  ...[...SYMBOL_PAIRS.matchAll(/(\S+) (\S+)/g)].map(([, name, text]) => [name as string, text as string] as const),
  ...ODD_SYMBOLS,
  ['ref', '<ref>'],
  ['autoref', '<ref>'],
  ['cref', '<ref>'],
  ['Cref', '<Ref>'],
  ['eqref', '(<ref>)'],
  ['cite', '<cit.>'],
  ['citet', '<cit.>'],
  ['citep', '<cit.>'],
]);
