/**
 * Questions of 20 to 80 words as a Challenger writes them: topics with an opening, conditions and a task, their names and numbers
 * drawn anew each time. One in four is an earlier question with a few words changed, so that clusters of all sizes occur.
 */
import { createRandom } from '../../activities/method/seeds.ts';
import type { SeededRandom } from '../../activities/method/seeds.ts';

interface Topic {
  openings: readonly string[];
  conditions: readonly string[];
  tasks: readonly string[];
}

/** Slots: N small number, M larger number, P person, O object, V variable, W a pair of numbers, C city. */
const TOPICS: readonly Topic[] = [
  {
    openings: [
      'Let f be a polynomial of degree N with real coefficients such that f(N) = M and f(N) = N.',
      'Consider the polynomial p(V) = V^3 - N V^2 + M V - N over the real numbers.',
      'Suppose that the quadratic function g(V) = N V^2 + M V + N takes only positive values.',
    ],
    conditions: [
      'The sum of all of its roots is equal to M, and their product is N.',
      'It is known that one root is twice as large as another root.',
      'Its graph passes through the point (N, M) and touches the horizontal axis exactly once.',
      'No coefficient of the polynomial is larger than M in absolute value.',
    ],
    tasks: [
      'Find the value of f(M) and express your answer as a reduced fraction.',
      'Determine the sum of the squares of all real roots.',
      'What is the largest possible value of the leading coefficient?',
    ],
  },
  {
    openings: [
      'A bag contains N red marbles, M blue marbles and N green marbles.',
      'P draws two cards without replacement from a deck of M numbered cards.',
      'A fair die with N sides is rolled M times in a row, and every result is written down.',
    ],
    conditions: [
      'After each draw the marble is put back and the bag is shaken well.',
      'P wins whenever the second number is strictly greater than the first number.',
      'The game stops as soon as two equal results have appeared one after the other.',
      'Given that at least one of the results is even, the others are ignored.',
    ],
    tasks: [
      'What is the probability that exactly N of the results are the same?',
      'Compute the expected number of rounds until the game ends.',
      'Find the probability of this event as a fraction in lowest terms.',
    ],
  },
  {
    openings: [
      'In triangle ABC the side AB has length M, the side BC has length M, and angle B measures N0 degrees.',
      'A circle of radius N is inscribed in a rhombus whose diagonals have lengths M and M.',
      'Let ABCD be a convex quadrilateral with perpendicular diagonals that meet at the point E.',
    ],
    conditions: [
      'The bisector of angle A meets the opposite side at the point D.',
      'A second circle passes through the vertices A and C and is tangent to the first circle.',
      'The distance from E to each of the four sides is an integer between N and M.',
      'Points P and Q trisect the longest side, and R is the midpoint of the shortest side.',
    ],
    tasks: [
      'Find the area of the shaded region in terms of pi.',
      'Determine the length of the segment DE, rounded to the nearest integer.',
      'What is the ratio of the two areas?',
    ],
  },
  {
    openings: [
      'P bought M Os for N dollars each and sold some of them in C at a profit of N percent.',
      'A factory in C produces M Os per hour and N0 Os are damaged on an average day.',
      'The price of N Os and M pencils together is M dollars and N0 cents.',
    ],
    conditions: [
      'Shipping costs N dollars for every dozen and is paid by the buyer.',
      'On the second day the production rises by M percent because of a new machine.',
      'P has saved M dollars so far and receives N dollars every week from a neighbour.',
      'If an order contains more than M items, the whole order is reduced by N percent.',
    ],
    tasks: [
      'How many Os does P have at the end of the week?',
      'How much money, in dollars, is left after everything has been paid?',
      'What is the least number of Os that must be sold to make a profit?',
    ],
  },
  {
    openings: [
      'A sequence is defined by a_1 = N, a_2 = M and a_n = N a_{n-1} - a_{n-2} for all n > 2.',
      'The first term of an arithmetic sequence is N and its M-th term is M.',
      'Let S_n denote the sum of the first n terms of a geometric series with ratio 1/N.',
    ],
    conditions: [
      'All of the terms are positive integers, and no two consecutive terms share a common factor.',
      'The sum of the first N terms exceeds M for the first time.',
      'Every third term of the sequence is removed, and the remaining terms are renumbered.',
      'It is given that the N-th term is divisible by M.',
    ],
    tasks: [
      'Find the remainder when the 100-th term is divided by M.',
      'Compute the limit of the sequence as n tends to infinity.',
      'Determine the smallest n for which the inequality holds.',
    ],
  },
  {
    openings: [
      'How many positive integers less than M00 are divisible by neither N nor M?',
      'Let n be a positive integer whose decimal representation has exactly N digits.',
      'For each integer k from N to M, let d(k) denote the number of divisors of k.',
    ],
    conditions: [
      'The product of the digits of n is a perfect square, and n leaves a remainder of N modulo M.',
      'Moreover, the greatest common divisor of n and M0 is equal to N.',
      'Both n and n + N are products of exactly two distinct primes.',
      'When n is written in base N, it ends with precisely two zeros.',
    ],
    tasks: [
      'Find the sum of all such integers n.',
      'Give the largest value that n can take.',
      'How many different values of n satisfy these conditions?',
    ],
  },
  {
    openings: [
      'A train leaves C at a constant speed of M kilometres per hour, and a second train follows N0 minutes later.',
      'P walks along a river at N kilometres per hour while a boat moves against the current.',
      'Two pipes can fill a tank in N hours and M hours, respectively, when they are used alone.',
    ],
    conditions: [
      'The second train is N kilometres per hour faster and stops twice for N minutes.',
      'A leak at the bottom empties the full tank in M hours.',
      'On the way back P needs N minutes more because of the wind.',
      'They meet at a bridge that lies M kilometres away from C.',
    ],
    tasks: [
      'After how many minutes does the second train catch up with the first one?',
      'How long does it take to fill the tank if both pipes are open?',
      'Find the total distance travelled, in kilometres.',
    ],
  },
  {
    openings: [
      'In how many ways can N boys and N girls be seated around a circular table with M chairs?',
      'P wants to paint the N vertices of a regular polygon with M colours.',
      'A committee of N members is to be chosen from M teachers and N students.',
    ],
    conditions: [
      'Two seatings are the same if one can be obtained from the other by a rotation.',
      'No two neighbours may have the same colour, and every colour is used at least once.',
      'P refuses to sit next to P, and the two oldest people sit opposite each other.',
      'At least N of the members must be students from C.',
    ],
    tasks: [
      'Find the number of different arrangements.',
      'Give the answer modulo M.',
      'How many choices are possible in total?',
    ],
  },
  {
    openings: [
      'Evaluate the definite integral of (V^2 + N) / (V + M) with respect to V from 0 to N.',
      'Let h be a differentiable function with h(0) = N and h prime of V equal to N h(V) + M.',
      'The region bounded by the curve y = V^2 - N V and the line y = M V is rotated about the axis.',
    ],
    conditions: [
      'Assume throughout that V is positive and that the logarithm is the natural one.',
      'The tangent line at V = N is parallel to the line through the points (0, M) and (N, 0).',
      'The function attains its minimum on the closed interval at an interior point.',
      'Here the constant c is chosen such that the function is continuous everywhere.',
    ],
    tasks: [
      'Find the exact volume of the resulting solid.',
      'Determine all critical points and classify each of them.',
      'What is the value of the integral in simplest form?',
    ],
  },
  {
    openings: [
      'Let A be a N by N matrix with integer entries whose determinant equals M.',
      'The vectors u = (N, M, N) and v = (M, N, M) span a plane in three-dimensional space.',
      'A linear map T sends (1, 0) to (N, M) and (0, 1) to (M, N).',
    ],
    conditions: [
      'The trace of A squared is M, and A has N as one of its eigenvalues.',
      'The vector w is perpendicular to both of them and has length N.',
      'Applying the map M times brings every vector back to a multiple of itself.',
      'All of the rows of the matrix add up to the same number N.',
    ],
    tasks: [
      'Compute the determinant of the inverse of the matrix.',
      'Find the distance from the origin to this plane.',
      'Determine the sum of all eigenvalues.',
    ],
  },
];

const PEOPLE = 'Alice Bruno Chandra Daria Emil Fatima Goran Hana Ivan Jamila Kenji Lucia Mateo Nadia Oskar Priya'.split(
  ' ',
);
const OBJECTS = 'apple book ticket lamp bicycle notebook chair battery basket ruler candle bottle stamp mirror'.split(
  ' ',
);
const CITIES = 'Lima Oslo Cairo Kyoto Lagos Quito Delhi Turin Perth Riga'.split(' ');
const VARIABLES = 'x t y z'.split(' ');
const MIN_WORDS = 20;
const MAX_WORDS = 80;

function choose<T>(random: SeededRandom, list: readonly T[]): T {
  return list[random.below(list.length)] as T;
}

function fillSlots(random: SeededRandom, text: string): string {
  const person = choose(random, PEOPLE);
  const object = choose(random, OBJECTS);
  const city = choose(random, CITIES);
  const variable = choose(random, VARIABLES);
  return text.replace(/(?<![A-Za-z])(?:N|M|P|Os?|C|V)(?![A-Za-z])/g, (slot) => {
    if (slot === 'N') return String(2 + random.below(8));
    if (slot === 'M') return String(10 + random.below(90));
    if (slot === 'P') return random.below(3) === 0 ? choose(random, PEOPLE) : person;
    if (slot === 'C') return city;
    return slot === 'V' ? variable : `${object}${slot.slice(1)}`;
  });
}

function freshQuestion(random: SeededRandom): string {
  const topic = choose(random, TOPICS);
  for (;;) {
    const conditions = topic.conditions.filter(() => random.below(2) === 0);
    const text = fillSlots(
      random,
      [choose(random, topic.openings), ...conditions, choose(random, topic.tasks)].join(' '),
    );
    const words = text.split(' ').length;
    if (words >= MIN_WORDS && words <= MAX_WORDS) return text;
  }
}

/** Changes the numbers, or replaces one to six words. */
function vary(random: SeededRandom, question: string, words: readonly string[]): string {
  if (random.below(2) === 0) return question.replace(/\b\d+\b/g, () => String(2 + random.below(98)));
  const changed = question.split(' ');
  for (let edits = 1 + random.below(6); edits > 0; edits -= 1) {
    changed[random.below(changed.length)] = choose(random, words);
  }
  return changed.join(' ');
}

/** A batch as diverse as an untrained Challenger's, with families of near copies in it. */
export function mixedQuestions(count: number, seed: string): string[] {
  const random = createRandom(seed);
  const questions: string[] = [];
  const words = Array.from({ length: 40 }, () => freshQuestion(random)).flatMap((text) => text.split(' '));
  while (questions.length < count) {
    const copied = questions.length > 0 && random.below(4) === 0;
    questions.push(copied ? vary(random, choose(random, questions), words) : freshQuestion(random));
  }
  return questions;
}

/** A collapsed Challenger: one text of 45 words, about one word in twelve replaced. Every pair is close. */
export function nearIdenticalQuestions(count: number, seed: string): string[] {
  const random = createRandom(seed);
  const pool = Array.from({ length: 40 }, () => freshQuestion(random)).flatMap((text) => text.split(' '));
  const base = pool.slice(0, 45);
  return Array.from({ length: count }, () =>
    base.map((word) => (random.below(12) === 0 ? choose(random, pool) : word)).join(' '),
  );
}
