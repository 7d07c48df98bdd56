"""Makes test/conformance/math-verify-vectors.json by executing the official evaluation code.

Runs `extract_answer` and `compare_answer` of evaluation/datasets_loader.py (https://github.com/Chengsong-Huang/R-Zero), with
`pandas` and `datasets` stubbed (they only load data), on generated responses in the styles of GSM8K, MATH-500, AMC, AIME,
Minerva and OlympiadBench. How to run it:

    git clone https://github.com/Chengsong-Huang/R-Zero
    python3 -m venv venv
    venv/bin/pip install math-verify==0.7.0 latex2sympy2_extended==1.10.1 antlr4-python3-runtime==4.9.3 sympy==1.14.0
    venv/bin/python make-math-verify-vectors.py --official R-Zero --out math-verify-vectors.json

`--count` and `--seed` make other samples, for differential tests; `--pairs FILE` takes [[response, answer], ...] from a file.
"""

import argparse
import importlib.util
import json
import logging
import platform
import random
import sys
import types
from importlib.metadata import version
from pathlib import Path

PACKAGES = ["math-verify", "latex2sympy2_extended", "antlr4-python3-runtime", "sympy"]

# Pairs every file has: the shapes the public code treats in its own way.
FIXED = [
    ("so \\boxed{\\frac{1}{2}}", "0.5"),
    ("\\boxed{4} and \\boxed{5}", "5"),
    ("\\boxed{4} and \\boxed{5}", "4"),
    ("\\boxed{1,2}", "1.2"),
    ("\\boxed{(1,2)}", "(1,2)"),
    ("\\boxed{\\sqrt{16}}", "4"),
    ("\\boxed {7}", "7"),
    ("\\BOXED{7}", "7"),
    ("\\Boxed \n {7}", "7"),
    ("\\boxed{7\n}", "7"),
    ("\\boxed{}", ""),
    ("\\boxed{ }", " "),
    ("", ""),
    ("no box", "None"),
    ("no box at all, 5", "5"),
    ("\\boxed{50\\%}", "0.5"),
    ("\\boxed{50\\%}", "50"),
    ("\\boxed{50%}", "0.5"),
    ("\\boxed{$\\sqrt{16}$}", "$4$"),
    ("\\boxed{x=3} so x", "x=3"),
    ("\\boxed{\\text{Paris}}", "Paris"),
    ("\\boxed{-05}", "-5"),
    ("\\boxed{007}", "7"),
    ("\\boxed{1/0}", "1/0"),
    ("\\boxed{2(3)+1}", "7"),
    ("\\boxed{9^9^9^9}", "1"),
    ("\\boxed{1.5.2}", "1.5"),
    ("\\boxed{answer: 5}", "5"),
    ("\\boxed{The final answer is $3$. I hope it is correct.}", "3"),
    ("\\boxed{1,2345}", "1234"),
    ("\\boxed{3\\frac{1}{2}}", "3.5"),
    ("\\boxed{12 = 12}", "12"),
    ("\\boxed{\\frac{1}{0}}", "\\frac{1}{0}"),
]


def load_official(root):
    """evaluation/datasets_loader.py as a module, its data libraries stubbed."""
    sys.modules["pandas"] = types.ModuleType("pandas")
    datasets = types.ModuleType("datasets")
    datasets.load_dataset = None
    sys.modules["datasets"] = datasets
    spec = importlib.util.spec_from_file_location("datasets_loader", Path(root) / "evaluation" / "datasets_loader.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Maker:
    """Values with several spellings each: a pair takes two spellings of one value, or of two near ones."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def integer(self):
        r = self.r
        return r.choice([r.randint(0, 20), r.randint(-50, 50), r.randint(100, 999), r.randint(1000, 9999999), r.randint(0, 10**15)])

    def spell_integer(self, n):
        r = self.r
        forms = [str(n)] * 6 + [f"{n}.0", f"{n}.00", f"{n}.", f" {n} ", f"+{n}", f"00{n}", f"{n:,}", f"{n:,}".replace(",", " "),
                 f"{n:,}".replace(",", "{,}"), f"{n:,}".replace(",", "\\,"), f"{n:,}".replace(",", ",\\!"), f"\\${n}", f"\\${n:,}", f"${n}", f"${n}$", f"${n}.00",
                 f"{n}%", f"{n}\\%", f"{n} percent", f"{n} %", f"${n}\\%$", f"{n}^\\circ", f"{n}^{{\\circ}}", f"${n}^\\circ$", f"{n} degrees",
                 f"{n} \\text{{ cm}}", f"{n}\\text{{ cm}}^2", f"{n}\\ \\mathrm{{cm}}^3", f"{n} dollars", f"{n} apples", f"{n}m2", f"{n}_8",
                 f"x={n}", f"x = {n}", f"$x={n}$", f"n={n}", f"\\text{{{n}}}", f"{{{n}}}", f"({n})", f"\\({n}\\)", f"\\[{n}\\]", f"**{n}**",
                 f"\\frac{{{2 * n}}}{{2}}", f"{2 * n}/2", f"{n}/1", f"{n - 3}+3", f"{n - 3} + 3", f"{n + 4}-4", f"\\approx {n}", f"{n} or so",
                 f"the answer is {n}", f"answer: {n}", f"Answer: ${n}$", f"The final answer is {n}. I hope it is correct", f"{n}!", f"{n}e3", f"{n}E3",
                 f"{n}×10^3", f"{n} \\times 10^3", f"{n}*10^3", f"-{n}", f"{n},", f"{n};", f"{n}:1", f"€{n}", f"£{n:,}.00", f"=  {n}", f"{n} = {n}", f"-({n})", f"2({n})",
                 f"{n}.5", f"{n},5", f"{n}.0000001", f"{n}.0000004", f"{n}.000001"]
        return r.choice(forms)

    def fraction(self):
        r = self.r
        return (r.choice([r.randint(-20, 40), r.randint(1, 12)]), r.choice([2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 25, 100]))

    def spell_fraction(self, f):
        r = self.r
        p, q = f
        v = p / q
        sign, a = ("-" if p < 0 else ""), abs(p)
        forms = [f"\\frac{{{p}}}{{{q}}}", f"\\frac{{{p}}}{{{q}}}", f"{sign}\\frac{{{a}}}{{{q}}}", f"{p}/{q}", f"{p}/{q}", f"{2 * p}/{2 * q}", f"\\frac{{{3 * p}}}{{{3 * q}}}",
                 f"\\dfrac{{{p}}}{{{q}}}", f"\\tfrac{{{a}}}{{{q}}}", f"\\frac{a % 10}{q % 10}", f"\\frac{{{a}}}{q % 10}", f"{v}", f"{v:.2f}", f"{v:.3f}", f"{v:.4f}", f"{v:.6f}", f"{v:.7f}", f"{v:.10f}",
                 f"{p} / {q}", f"{p}/ {q}", f"({p})/({q})", f"({p}/{q})", f"{p}\\frac{{1}}{{{q}}}", f"{a // q}\\frac{{{a % q}}}{{{q}}}", f"{a // q} {a % q}/{q}",
                 f"$\\frac{{{p}}}{{{q}}}$", f"$\\frac{a % 10}{q % 10}$", f"$\\dfrac{{{p}}}{{{q}}}$", f"${p}/{q}$", f"${v}$", f"\\({p}/{q}\\)", f"${a // q}\\frac{{{a % q}}}{{{q}}}$", f"${a // q} {a % q}/{q}$",
                 f"{100 * v}%", f"{100 * v}\\%", f"{100 * v:.1f} %", f"${100 * v}\\%$", f"${100 * v}$%", f"$\\frac{{{100 * p}}}{{{q}}}\\%$", f"\\frac{{{100 * p}}}{{{q}}}\\%", f"x=\\frac{{{p}}}{{{q}}}", f"$x=\\frac{{{p}}}{{{q}}}$",
                 f"{p}:{q}", f"${p}:{q}$", f"{p} to {q}", f"\\frac{{{p}}}{{{q}}}\\pi", f"$\\frac{{{p}}}{{{q}}}\\pi$", f"\\frac {{{p}}} {{{q}}}", f"P=\\frac{{{p}}}{{{q}}}", f".{a}", f"-.{a}", f"0.{a}",
                 f"\\frac{{{p}.0}}{{{q}}}", f"\\frac{{{a},5}}{{{q}}}", f"{p}÷{q}", f"{p}//{q}", f"{p}/{q}/2", f"{p}*{q}", f"{p}^{q % 4}", f"{p}**{q % 4}", f"\\frac{{{p}}}{{{q}}} \\text{{ cm}}",
                 f"\\frac{{{p}}}{{{q}}}, \\frac{{1}}{{2}}", f"\\frac{{1}}{{2}} and \\frac{{{p}}}{{{q}}}", f"\\frac{{1}}{{2}} or \\frac{{{p}}}{{{q}}}"]
        return r.choice(forms)

    SURDS = [
        ["\\sqrt{2}", "\\sqrt2", "2^{1/2}", "2^{\\frac{1}{2}}", "1.414213", "1.41421356237", "\\frac{2}{\\sqrt{2}}", "\\sqrt{8}/2", "2^(1/2)", "2^0.5", "\\sqrt(2)", "\\sqrt{\\frac{4}{2}}"],
        ["3\\sqrt{2}", "\\sqrt{18}", "3 \\sqrt{2}", "3\\cdot\\sqrt{2}", "\\sqrt{2}\\cdot 3", "\\frac{6}{\\sqrt{2}}", "4.242641", "3\\sqrt2"],
        ["1+\\sqrt{5}", "\\sqrt{5}+1", "1 + \\sqrt{5}", "\\frac{4}{\\sqrt{5}-1}", "3.2360679"],
        ["\\frac{1+\\sqrt{5}}{2}", "\\frac{\\sqrt{5}+1}{2}", "\\frac{1}{2}+\\frac{\\sqrt{5}}{2}", "(1+\\sqrt{5})/2", "\\phi"],
        ["2\\pi", "\\pi\\cdot 2", "2 \\pi", "6.283185", "2π", "\\frac{4\\pi}{2}", "2\\pi r", "360^\\circ"],
        ["\\frac{\\pi}{4}", "\\pi/4", "\\frac{1}{4}\\pi", "0.25\\pi", "45^\\circ", "0.785398", "\\arctan 1", "\\arctan(1)", "\\frac14\\pi"],
        ["e^2", "e^{2}", "\\exp(2)", "e\\cdot e", "7.389056"],
        ["\\ln 2", "\\ln(2)", "\\log 2", "\\ln{2}", "\\log_{e}2", "0.693147", "\\frac{1}{2}\\ln 4"],
        ["\\log_2 8", "3", "\\log_{2}8", "\\log_{2}{8}", "\\frac{\\ln 8}{\\ln 2}"],
        ["2^{10}", "1024", "2^10", "4^5", "2^{5}\\cdot 2^{5}", "1,024", "2**10"],
        ["\\sqrt[3]{2}", "2^{1/3}", "2^{\\frac13}", "1.259921"],
        ["2+3i", "3i+2", "2 + 3i", "2+3 i", "2+3I"],
        ["\\sin 30^\\circ", "\\frac{1}{2}", "\\sin{30}", "\\sin(30^\\circ)", "\\sin\\frac{\\pi}{6}"],
        ["3!", "6", "3 !", "3\\cdot 2\\cdot 1"],
        ["\\binom{5}{2}", "10", "{5 \\choose 2}"],
        ["|{-3}|", "3", "|-3|", "\\left|-3\\right|"],
        ["1.5 \\times 10^{5}", "150000", "1.5\\times10^5", "1.5e5", "1.5E5", "1.5*10^5", "1.5 \\cdot 10^{5}", "15 \\times 10^4", "150,000"],
        ["6.02 \\times 10^{-3}", "0.00602", "6.02e-3", "6.02E-3", "6.02*10^-3", "6.02*10^(-3)"],
    ]
    ALGEBRA = [
        ["x^2+2x+1", "(x+1)^2", "x^{2}+2x+1", "1+2x+x^2", "x^2 + 2x + 1", "X^2+2X+1", "(1+x)^{2}", "x*x+2*x+1"],
        ["x^3-y^3", "(x-y)(x^2+xy+y^2)", "-y^3+x^3", "x^{3}-y^{3}"],
        ["\\frac{x}{2}", "0.5x", "x/2", "\\frac{1}{2}x", "\\frac12 x", "\\frac{2x}{4}"],
        ["2x+3y", "3y+2x", "2x + 3y", "3 y + 2 x"],
        ["\\frac{x+1}{x-1}", "(x+1)/(x-1)", "\\frac{1+x}{x-1}", "-\\frac{x+1}{1-x}", "1+\\frac{2}{x-1}"],
        ["n(n+1)", "n^2+n", "n(1+n)", "n^{2} + n", "(n+1)n"],
        ["2^{n-1}", "2^n/2", "\\frac{2^n}{2}", "2^{n}\\cdot 2^{-1}"],
        ["a_n", "a_{n}", "a", "A_n", "a_{N}"],
        ["\\frac{n(n+1)}{2}", "\\binom{n+1}{2}", "\\frac{n^2+n}{2}", "n(n+1)/2"],
        ["y=2x+1", "y = 2x + 1", "2x-y+1=0", "2x+1=y", "y-2x=1", "2x+1", "y=1+2x", "f(x)=2x+1", "2y=4x+2"],
        ["x^2+y^2=4", "y^2+x^2=4", "x^2+y^2-4=0", "4=x^2+y^2"],
        ["f(x)=x", "f(x) = x", "f(n)=n", "x", "f(y)=y"],
        ["\\sin^2 x", "\\sin^2(x)", "(\\sin x)^2", "1-\\cos^2 x", "\\sin x\\sin x"],
        ["e^{x}", "\\exp(x)", "e^x", "exp(x)"],
        ["\\sqrt{x^2+1}", "(x^2+1)^{1/2}", "\\sqrt{1+x^2}"],
        ["abc", "\\text{abc}", "a b c", "cba"],
    ]
    SETS = [
        ["(1,2)", "(1, 2)", "\\left(1,2\\right)", "1,2", "[1,2]", "(2,1)", "(1;2)", "\\{1,2\\}", "1 and 2", "(1.0,2)", "x\\in(1,2)", "1<x<2"],
        ["(3,4,5)", "(3, 4, 5)", "3,4,5", "\\{3,4,5\\}", "5,4,3", "(5,4,3)", "3, 4, 5", "3, 4 and 5", "3;4;5"],
        ["\\{1,2,3\\}", "\\{3,2,1\\}", "1,2,3", "\\left\\{1,2,3\\right\\}", "\\{1, 2, 3\\}", "{1,2,3}", "\\{1,2,2,3\\}"],
        ["[0,1)", "[0, 1)", "\\left[0,1\\right)", "0\\le x<1", "0 \\leq x < 1", "x\\in[0,1)", "[0,1]", "\\left[ 0, 1 \\right)"],
        ["(-\\infty,3)", "x<3", "(-\\infty, 3)", "\\left(-\\infty,3\\right)", "3>x", "(-\\infty,3]", "x\\in(-\\infty,3)"],
        ["(-\\infty,-1)\\cup(1,\\infty)", "(-\\infty, -1) \\cup (1, \\infty)", "(1,\\infty)\\cup(-\\infty,-1)", "x<-1 \\text{ or } x>1", "x\\in(-\\infty,-1)\\cup(1,\\infty)"],
        ["x\\ge 2", "x\\geq 2", "2\\le x", "[2,\\infty)", "x>=2", "x \\geqslant 2", "2x\\ge 4"],
        ["1,-1", "-1,1", "\\pm 1", "\\{-1,1\\}", "x=1,-1", "x=\\pm1", "x=1 or x=-1", "x=1,x=-1", "1, -1", "-1 and 1", "$1$ and $-1$", "$1$, $-1$", "$-1$ or $1$"],
        ["1\\pm\\sqrt{2}", "1+\\sqrt{2},1-\\sqrt{2}", "1-\\sqrt{2}, 1+\\sqrt{2}", "\\{1\\pm\\sqrt{2}\\}", "1 \\pm \\sqrt{2}"],
        ["\\frac{1}{2},\\frac{1}{3}", "\\frac{1}{3},\\frac{1}{2}", "0.5,\\frac{1}{3}", "1/2,1/3", "\\{\\frac{1}{2},\\frac{1}{3}\\}"],
        ["\\emptyset", "\\varnothing", "\\{\\}", "\\text{no solution}", "none"],
        ["(1,2),(3,4)", "(1, 2), (3, 4)", "(3,4),(1,2)", "\\{(1,2),(3,4)\\}", "(1,2);(3,4)", "(1,2) and (3,4)"],
        ["(x,y)=(1,2)", "(1,2)", "(x, y) = (1, 2)", "x=1,y=2", "x=1, y=2", "y=2,x=1"],
        ["\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "\\begin{bmatrix} 1 \\\\ 2 \\end{bmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)", "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}"],
        ["\\mathbb{R}", "(-\\infty,\\infty)", "\\mathbb{Z}", "ℝ", "\\text{all reals}"],
    ]
    TEXTS = [
        ["\\text{Paris}", "Paris", "paris", "\\text{ Paris}", "\\mathrm{Paris}", "\\textbf{Paris}"],
        ["\\text{(A)}", "A", "(A)", "\\textbf{(A)}", "\\text{A}", "a", "\\mathrm{(A)}"],
        ["\\text{even}", "even", "\\text{odd}", "\\text{Even}"],
        ["Monday", "\\text{Monday}", "on Monday", "Monday 5"],
        ["Yes", "True", "\\text{Yes}", "yes", "No"],
        ["\\text{5 cm}", "5", "5 cm", "5\\text{ cm}", "\\text{5}", "5 \\mbox{ cm}"],
        ["None", "no answer", "", " ", "nothing"],
    ]
    TEMPLATES = ["\\boxed{%s}", "\\boxed{%s}", "so $\\boxed{%s}$.", "Thus the answer is \\boxed{%s}.", "\\boxed {%s}", "\\BOXED{%s}", "$$\\boxed{%s}$$", "\\[\n\\boxed{%s}\n\\]",
                 "\\boxed{%s", "\\boxed{\n%s}", "%s", "First \\boxed{1}\nthen \\boxed{%s}", "\\boxed{%s} or \\boxed{2}", "\\boxed{3}, \\boxed{%s}", "\\boxed{%s} {x}", "\\fbox{%s}", "\\boxed{\\boxed{%s}}",
                 "\\boxed{%s} and then \\boxed{%s}", "\\boxed{\\text{%s}}", "\\boxed{ %s }", "\\boxed{x = %s}", "\\boxed{%s \\text{ units}}"]
    LATEX_TEMPLATES = ["\\boxed{$%s$}", "\\boxed{$%s$}", "\\boxed{\\(%s\\)}", "\\boxed{$$%s$$}", "\\boxed{7}, \\boxed{\\boxed{%s}}", "\\boxed{so $%s$}", "\\boxed{$%s$ is the answer}", "\\boxed{$x=%s$}"]

    def pair(self):
        r = self.r
        kind = r.random()
        if kind < 0.3:
            n = self.integer()
            a, b = self.spell_integer(n), self.spell_integer(n if r.random() < 0.85 else n + 1)
        elif kind < 0.58:
            f = self.fraction()
            a, b = self.spell_fraction(f), self.spell_fraction(f if r.random() < 0.85 else self.fraction())
        else:
            family = r.choice(r.choice([self.SURDS, self.SURDS, self.ALGEBRA, self.SETS, self.SETS, self.TEXTS]))
            a, b = r.choice(family), r.choice(family)
            if r.random() < 0.1:
                b = r.choice(r.choice(r.choice([self.SURDS, self.ALGEBRA, self.SETS, self.TEXTS])))
            if r.random() < 0.55:
                b = f"${b}$" if "$" not in b else b
                template = r.choice(self.LATEX_TEMPLATES)
                return (template.replace("%s", a), b)
        if r.random() < 0.06:
            return (r.choice(self.LATEX_TEMPLATES).replace("%s", a), f"${b}$")
        template = r.choice(self.TEMPLATES) if r.random() < 0.5 else "\\boxed{%s}"
        return (template.replace("%s", a), b)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--official", required=True)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--count", type=int, default=600)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--pairs")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    handler = load_official(options.official).DatasetHandler
    handler = type("Handler", (handler,), {"load_data": lambda self: None})()
    if options.pairs:
        pairs = [tuple(pair) for pair in json.loads(Path(options.pairs).read_text())]
    else:
        maker = Maker(options.seed)
        pairs = list(FIXED)
        known = set(pairs)
        while len(pairs) < options.count:
            pair = maker.pair()
            if pair not in known:
                known.add(pair)
                pairs.append(pair)
    vectors = []
    for response, answer in pairs:
        vectors.append({
            "response": response,
            "answer": answer,
            "extracted": str(handler.extract_answer(response)),
            "math_verify_correct": bool(handler.compare_answer(response, answer)),
        })
    meta = {
        "what": "Verdicts of evaluation/datasets_loader.py of R-Zero, executed by make-math-verify-vectors.py",
        "library_versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
    Path(options.out).write_text(json.dumps({"meta": meta, "eval_math_compare": vectors}, indent=1, ensure_ascii=True) + "\n")
    print(f"{len(vectors)} vectors, {sum(v['math_verify_correct'] for v in vectors)} correct")


if __name__ == "__main__":
    main()
