/**
 * English words by what they do in a mathematical question. Whatever is in neither list may be reworded: names, things,
 * verbs. In singular: a final "s" is taken off words of four letters or more before they are looked up.
 */
const list = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Ask or join, and say nothing: left out. */
export const FILLER_WORDS = list(`
  a an the of is are be what which find compute calculate determine evaluate value please
`);

/** Another one of these makes another question: they must be the same, in the same order, like numbers. */
export const MEANING_WORDS = list(`
  zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
  nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen
  half third quarter fourth fifth sixth seventh eighth ninth tenth first second last double triple twice thrice once

  not no none never neither nor or without except only than least most more less fewer greater smaller larger bigger
  maximum minimum maximal minimal max min largest smallest greatest lowest highest longest shortest

  add added subtract subtracted multiply multiplied divide divided plus minus times over sum difference product quotient
  ratio remainder factor multiple divisor divisible power root square squared cube cubed reciprocal inverse derivative
  integral limit increase increased increasing decrease decreased decreasing percent percentage average mean median mode
  range variance deviation probability expected sin cos tan cot sec csc arcsin arccos arctan log ln lim gcd lcm mod
  modulo det

  even odd prime composite positive negative nonpositive nonnegative nonzero rational irrational real complex imaginary
  natural whole integer distinct identical different consecutive convex concave linear quadratic cubic polynomial

  area perimeter circumference volume surface length width height base radius diameter diagonal side edge vertex vertice
  angle acute obtuse right isosceles equilateral triangle rectangle rhombus trapezoid parallelogram pentagon hexagon
  heptagon octagon polygon circle ellipse sphere cylinder cone pyramid prism tetrahedron inscribed circumscribed
  parallel perpendicular tangent inside outside above below left north south east west clockwise counterclockwise

  inch inche foot feet yard mile meter metre kilometer kilometre centimeter centimetre millimeter millimetre gram kilogram
  ton liter litre gallon second minute hour day week month year degree radian cent dollar before after
`);

/** Letter pairs that are words; any other pair is taken for a product or the name of a segment. */
export const SHORT_WORDS = list(`
  am an as at be by do go he if in is it me my no of on or so to up us we
`);
