"""Makes test/conformance/official-extra-vectors.json by executing the public code.

Runs the functions of Chengsong-Huang/R-Zero, and the libraries they call, on the inputs below; the GPU, the model and the web service are
stubbed. The file has the form of r-zero-vectors.json, with some of its families. How to run it:

    git clone https://github.com/Chengsong-Huang/R-Zero
    python3.11 -m venv venv
    venv/bin/pip install mathruler==0.1.0 nltk==3.9.1 scikit-learn==1.7.0 numpy==2.2.6 scipy==1.15.3 sympy==1.14.0 \\
        pylatexenc==2.10 regex==2024.11.6 stopit==1.1.2
    venv/bin/python make-vectors.py R-Zero --out official-extra-vectors.json

`--inputs FILE` takes other inputs, for differential tests: a JSON object with the names of this file's tables in lower case.
Every pair of answers is graded in a process of its own kind, killed after 20 seconds, since the reference can run without limit.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import multiprocessing
import os
import platform
import random
import sys
import tempfile
import threading
import types
import warnings
from importlib.metadata import version
from pathlib import Path

PACKAGES = ["mathruler", "nltk", "scikit-learn", "numpy", "scipy", "sympy", "pylatexenc", "regex", "stopit"]
SECONDS_PER_PAIR = 20

# Given and truth.
GRADE_ANSWER = [
    (".5", "\\boxed{\\frac{1}{2}}"),
    ("\\frac12", "(1/2)"),
    ("-0.5", "-\\frac{1}{2}"),
    ("-\\frac{1}{2}", "-\\dfrac{1}{2}"),
    ("3.5", "3 1/2"),
    ("3\\frac{1}{2}", "3-1/2"),
    ("-(3+1/2)", "-3-1/2"),
    ("-7/2", "-3+1/2"),
    ("-\\frac{7}{2}", "\\frac{-7}{2}"),
    ("\\frac13", "0.[3]"),
    ("\\frac{1}{3}", "0.[3]"),
    ("0.333", "\\frac13"),
    ("1/4.0", "2^-2"),
    ("3/10", "0.1*3"),
    ("3\\cdot 10^{-1}", "3e-1"),
    ("30\\%", "0.6/2"),
    ("2.5", "2 1/2"),
    ("2\\frac{1}{2}", "2,5"),
    ("2\\frac{1}{2}", "2 1/2"),
    ("\\frac{6}{5}", "1.1+0.1"),
    ("1.20", "12/10"),
    ("12/10", "1.1+0.1"),
    ("10^{-1}", "\\frac{1}{10}"),
    ("10^{-1}", "10\\%"),
    ("1e-3", "\\frac{1}{1000}"),
    ("10^{-3}", "10^-3"),
    ("3.14", "pi"),
    ("3.14", "180^\\circ"),
    ("\\frac{0}{5}", "0x"),
    ("None", "zero"),
    ("-0", "\\text{zero}"),
    ("\\$42", "４２"),
    ("[42]", "42 minutes"),
    ("4 2", "42 dollars"),
    ("42\\mbox{ cm}", "6*7"),
    ("1\\,000", "1\\,000."),
    ("1 thousand", "one thousand"),
    ("1,\\!000", "10*10*10"),
    ("1.0 million", "\\$1 million"),
    ("2.5*10^6", "5/2 million"),
    ("3\\times10^9", "3.0 billion"),
    ("3,000,000,000", "3\\times10^9"),
    ("3 trillion", "3\\times 10^{12}"),
    ("3\\times10^8", "30*10^7"),
    ("602000000000000000000000", "6.022e23"),
    ("4^5", "2**10"),
    ("2^10", "4^5"),
    ("2^10", "1024.0"),
    ("\\sqrt{64}", "\\lvert -8\\rvert"),
    ("16/2", "2**3"),
    ("5!", "6!/3!"),
    ("120", "5! = 120"),
    ("12345678901234567890.0", "9007199254740993.0"),
    ("2^0.5", "\\surd2"),
    ("sqrt(2)", "\\frac{\\sqrt8}{2}"),
    ("\\sqrt{2}2", "2(\\sqrt{2})"),
    ("\\sqrt8", "2\\cdot\\sqrt{2}"),
    ("\\sqrt{0.75}", "\\frac{\\sqrt{12}}{4}"),
    ("\\frac{\\sqrt{3}}{2}", "\\frac12\\sqrt3"),
    ("\\sqrt{3+2\\sqrt{2}}", "(1+\\sqrt{2})"),
    ("1+\\sqrt{2}", "\\sqrt{2} + 1"),
    ("1\\pm\\sqrt{2}", "\\tan 67.5^\\circ"),
    ("0.5+0.5\\sqrt5", "\\frac12(1+\\sqrt5)"),
    ("\\frac{1+\\sqrt{5}}{2}", "\\frac{1 + \\sqrt 5}{2}"),
    ("\\sqrt{5+2\\sqrt{6}}", "\\sqrt2+\\sqrt3"),
    ("\\sqrt{5}", "\\sqrt{2+3}"),
    ("\\sqrt{2}+\\sqrt{3}", "\\sqrt2+\\sqrt3"),
    ("\\sqrt{0.5}", "\\frac{1}{\\sqrt2}"),
    ("\\frac{\\sqrt{2}}{2}", "\\sqrt{1/2}"),
    ("\\sqrt[3]2", "\\sqrt[3]{\\frac{16}{8}}"),
    ("\\sqrt[3]{\\frac{16}{8}}", "1.26"),
    ("\\sqrt{45}", "3*\\sqrt{5}"),
    ("5\\sqrt{3}", "3\\sqrt{5}\\text{ units}"),
    ("\\sqrt{5}\\cdot 3", "3\\sqrt{5}\\text{ units}"),
    ("\\sqrt{-1}\\cdot 2", "2j"),
    ("2\\sqrt{-1}", "2j"),
    ("2\\sqrt{-1}", "2\\sqrt{-1}"),
    ("\\pi/2", "\\frac12\\pi"),
    ("\\frac12\\pi", "\\frac{\\pi}{2}+2\\pi k"),
    ("\\pi+\\pi", "2\\pi\\text{ cm}"),
    ("\\pi+\\pi", "\\pi 2"),
    ("\\pi*2", "\\tau"),
    ("4\\pi", "\\pi\\cdot 4"),
    ("\\pi\\cdot 4", "12.566"),
    ("\\frac{8\\pi}{2}", "4\\pi\\text{ square units}"),
    ("\\pi\\cdot\\sqrt{2}", "\\sqrt2 \\pi"),
    ("\\pi\\sqrt{2}", "\\pi*\\sqrt{2}"),
    ("\\frac{4}{3}\\pi r^3", "4/3 \\cdot \\pi \\cdot r^3"),
    ("\\pi*\\pi", "\\pi^{2}"),
    ("\\pi^2/6", "\\frac{1}{6}\\pi^2"),
    ("e^1", "\\text{e}"),
    ("e", "2.718281828"),
    ("\\mathrm{e}", "E"),
    ("e^{2}", "e^2.0"),
    ("e^{2}", "ee"),
    ("ln(2)", "\\ln(4)-\\ln(2)"),
    ("ln(2)", "\\frac{\\ln(4)}{2}"),
    ("\\frac{\\ln 3}{\\ln 2}", "1.585"),
    ("\\log_2 3", "\\log_{2}3"),
    ("\\ln(2\\cdot3)", "\\ln(12)-\\ln(2)"),
    ("\\ln(6)", "\\ln(2\\cdot3)"),
    ("\\ln 2+\\ln 3", "\\ln(2\\cdot3)"),
    ("100\\%", "\\cot 45^\\circ"),
    ("0!", "x^0"),
    ("\\sin^2 x+\\cos^2 x", "x^0"),
    ("\\frac{1}{\\cos x}", "\\sec(x)"),
    ("\\sec(x)", "x"),
    ("\\sec x", "sec(x)"),
    ("\\frac{1}{\\cos x}", "sec(x)"),
    ("\\sin 2x", "\\sin(2x)"),
    ("(x^2+1)", "x^2-(-1)"),
    ("(x+i)(x-i)", "\\frac{x^3+x}{x}"),
    ("x^{2}+1", "x^2+1\\text{ for all }x"),
    ("x^2 - 1", "(x - 1)(x + 1)"),
    ("(x+1)(x+1)", "(x+1)^{2}"),
    ("(x+1)^2", "{(x+1)}^2"),
    ("\\frac{2x}{4}", "x2^{-1}"),
    ("\\frac12 x", "\\frac x2"),
    ("\\frac{1}{2x}", "1/2x"),
    ("x^-1", "(x)^{-1}"),
    ("x^(-1)", "(x)^{-1}"),
    ("(x+1)/(x-1)", "(1+x)/(x-1)"),
    ("x+1/x-1", "\\frac{x + 1}{x - 1}"),
    ("x2", "x(2)"),
    ("4x/2", "2y"),
    ("2*x", "2\\cdot x"),
    ("xy", "\\frac{xy^2}{y}"),
    ("x*y", "x(y)"),
    ("x*y", "x\\cdot y"),
    ("x^2y", "yx^2"),
    ("x^{2}y", "x^2 \\cdot y"),
    ("3y+2x", "x2+y3"),
    ("y+x", "x - (-y)"),
    ("b+a", "A+B"),
    ("a - -b", "\\mathbf{a}+\\mathbf{b}"),
    ("a^2+2ab+b^2", "a^2+b^2+2ab"),
    ("a^3+b^3", "b^3+a^3"),
    ("\\frac{1}{2}n(n+1)", "\\frac{n(n + 1)}{2}"),
    ("2**n", "\\left(2\\right)^n"),
    ("2\\cdot2^n", "2^n2"),
    ("2*2^n", "2(2^n)"),
    ("2^n2", "2^{1+n}"),
    ("2^{n}\\cdot 2", "2^n*2"),
    ("n!", "n*(n-1)!"),
    ("n! ", "(n)!"),
    ("n*(n-1)!", "\\prod_{k=1}^n k"),
    ("n!/(n-2)!", "n*(n-1)"),
    ("\\frac{n!}{(n-2)!}", "n^2-n"),
    ("\\frac{n!}{(n-2)!}", "n!/(n-2)!"),
    ("-x ", "x(-1)"),
    ("x/1", "x^1.0"),
    ("x^2/x", "x\\text{ }"),
    ("y=x", "\\chi"),
    ("\\sqrt{x}*1", "x^{0.5}"),
    ("\\sqrt{x}*1", "\\frac{x}{\\sqrt{x}}"),
    ("sqrt(x)", "x^(1/2)"),
    ("\\frac{2x}{\\sqrt{x}}", "2x^0.5"),
    ("\\sqrt{4x}", "\\frac{2x}{\\sqrt{x}}"),
    ("2x^{1/2}", "\\sqrt4\\sqrt x"),
    ("\\vert x \\vert", "\\|x\\|"),
    ("e^x", "e^{x}+0"),
    ("e**x", "e^{2x}/e^x"),
    ("exp(x)", "(e)^x"),
    ("e^{i\\pi}", "e^{\\pi i}"),
    ("-1", "i^2"),
    ("2x+1", "1+2x"),
    ("1+2x", "Y=2X+1"),
    ("3", "(3)"),
    ("\\alpha = 3", "3,3"),
    ("(0,1)", "0 \\le x \\le 1"),
    ("x\\not=0", "x!=0"),
    ("\\mathbb{R}\\setminus\\{0\\}", "(-\\infty,0)\\cup(0,\\infty)"),
    ("(\\frac{1}{2},\\frac{1}{3})", "(\\frac12,\\frac13)"),
    ("]0,1[", "(0, 1)"),
    ("(-\\infty,\\frac{6}{2})", "(-infinity,3)"),
    ("(-\\infty,-1)U(1,\\infty)", "(-\\infty,-1)\\bigcup(1,\\infty)"),
    ("(-\\infty,-1)U(1,\\infty)", "|x|>1"),
    ("(-\\infty, -1) \\cup (1, \\infty)", "x<-1 or x>1"),
    ("[2,3]\\cup[4,5]", "[2,3],[4,5]"),
    ("none", "\\O"),
    ("∅", "NULL"),
    ("\\mathbb{R}", "\\text{all real numbers}"),
    ("\\mathbf{Z}", "\\mathbb Z"),
    ("\\mathbb{Z}", "integers"),
    ("(3,4),(1,2)", "(1,2)\\text{ and }(3,4)"),
    ("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}"),
    ("\\langle 1,2\\rangle", "\\begin{pmatrix}1\\\\\n2\\end{pmatrix}"),
    ("(1,2)^T", "\\begin{pmatrix}\\frac12\\\\2\\end{pmatrix}"),
    ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}"),
    ("\\begin{cases} x=1 \\\\ y=2 \\end{cases}", "x=1, y=2"),
    ("\\mathcal{A}", "a "),
    ("[A]", "{A}"),
    ("C", "(C)"),
    ("yes!", "\"Yes\""),
    ("True", "No"),
    ("T", "\\top"),
    ("true", "false"),
    ("undefined", "DNE"),
    ("No  solution", "\\mbox{no solution}"),
    ("\\text{no solution}", "none"),
    ("\\text{Tuesday}", "Monday"),
    ("a circle", "Circle"),
    ("alice", "Alice or Bob"),
    ("alice", "Alice and Bob"),
    ("5 \\text{ meters}", "5~\\text{m}"),
    ("5m", "5 m."),
    ("0.25", "\\frac{25}{100}"),
    ("12.5%", "12.50%"),
    ("1/8", "125/1000"),
    ("\\$5", "(5)"),
    ("5\\text{ dollars}", "USD 5"),
    ("1234.56", "1{,}234.56"),
    ("\\$1,234.56", "1{,}234.56"),
    ("1:2", "1/2"),
    ("1 to 2", "1 \\text{ to } 2"),
    ("5 hrs", "5hours"),
    ("2+3", "2.25 feet"),
    ("2+3", "27 inches"),
    ("first", "1^{st}"),
    ("2+3j", "2+3\\sqrt{-1}"),
    ("i3+2", "2+3i+0"),
    ("(2,3)", "2+3i+0"),
    ("i", "i^1"),
    ("i^5", "i\\cdot1"),
    ("0.5+0.5i", "\\frac12+\\frac12i"),
    ("0-i", "-1*i"),
    ("x^5x^5", "x**10"),
    ("3^8", "9^4"),
    ("10! ", "\\frac{11!}{11}"),
    ("3628800", "10! "),
    ("7!!", "5!!*7"),
    ("7*5*3*1", "7! !"),
    ("7!!", "(7!)!"),
    ("xxx", "x^3.0"),
    ("x^{3}", "\\frac{x^4}{x}"),
    ("x^3.0", "x³"),
    ("x^3", "x^{\\text{3}}"),
    ("(2-x)^2+3", "(x-2)^{2}+3"),
    ("3+(x-2)^2", "y=(x-2)^2+3"),
    ("\\frac{a}{b}", "\\frac{a^2}{ab}"),
    ("a/b", "a/b*1"),
    ("1/(2x)", "0.5/x"),
    ("1/2x", "\\frac{1}{2x}"),
    ("1/xy", "y/x"),
    ("x^-1y^-1", "1/x/y"),
    ("(xy)^2", "x y^2"),
    ("x*y^2", "x y^2"),
    ("2^xy", "y2^x"),
    ("2^x*y", "y*2^x"),
    ("x+2", "\\frac{3(x+2)}{3}"),
    ("x+2", "x + 2"),
    ("3x^{2}+2x^{1}+x^0", "2x+3x^2+1"),
    ("3x²+2x+1", "3*x^2+2*x+1"),
    ("x^2-5x+6", "(2-x)(3-x)"),
    ("(x-2)(x-3)", "x^2 - 5x + 6 = 0"),
    ("0.1+0.2", "0.3"),
    (".1+.2", "0.2+0.1"),
    ("0.1x+0.2x", "0.30x"),
    ("0.3x", "x*0.3"),
    ("0.1x+0.2x", "\\frac{3x}{10}"),
    ("121/100", "1.1*1.1"),
    ("1.1\\cdot1.1", "1.1^2"),
    ("1.1^2", "\\frac{121}{100}"),
    ("121/100", "\\frac{121}{100}"),
    ("2.5x", "\\frac{5}{2}x"),
    ("5x/2", "\\frac{5x}{2}"),
    ("1.5\\pi", "1.50\\pi"),
    ("0.75", "3/4"),
    (".05", "5*10^-2"),
    ("9*11", "100-1"),
    ("5-10", "+(-5)"),
    ("10^{2}", "\\sqrt{10000}"),
    ("10^2", "100\\text{ cm}^2"),
    ("100\\%", "100 cm"),
    ("1,2,3.", "1,\\ 2,\\ 3"),
    ("1234", "(1,234)"),
    ("(1,234)", "1234"),
    ("\\frac23", "\\frac{-2}{-3}"),
    ("\\frac{22}{7}", "3\\frac{1}{7}"),
    ("3+\\frac{1}{3}", "20/6"),
    ("3\\frac13", "3+\\frac{1}{3}"),
    ("x^{a}", "x**a"),
    ("a^x", "x**a"),
    ("\\alpha+\\beta", "\\beta+\\alpha"),
    ("α+β", "a+b"),
    ("\\alpha + \\beta", "a+b"),
    ("\\theta+0", "\\Theta"),
    ("θ", "\\vartheta"),
    ("x\\lambda", "λx"),
    ("x\\lambda", "lambda x"),
    ("c", "+C"),
    ("f'(x)", "\\dot{y}"),
    ("\\vec{AB}", "\\overrightarrow{AB}"),
    ("AB", "BA"),
    ("(5\\sqrt{3}+2)", "2+5*3^{0.5}"),
    ("5*\\sqrt{3}+2", "5\\sqrt{3} + 2"),
    ("-\\frac{1}{2}+\\frac{\\sqrt{3}}{2}", "(-1+\\sqrt3)/2"),
    ("\\frac{-1+\\sqrt{3}}{2}", "(-1+\\sqrt3)/2"),
    ("\\frac{\\sqrt{2+\\sqrt{3}}}{2}", "\\frac{\\sqrt{2}}{4}(1+\\sqrt{3})"),
    ("(\\sqrt{6}+\\sqrt{2})/4", "\\frac{\\sqrt{2}}{4}(1+\\sqrt{3})"),
    ("\\frac{\\sqrt2+\\sqrt6}{4}", "\\frac{\\sqrt{2}}{4}(1+\\sqrt{3})"),
    ("\\cos 15^\\circ", "\\frac{\\sqrt{2+\\sqrt{3}}}{2}"),
    ("9^9^9", "(9^9)^9"),
    ("2x", "((2x))"),
    ("\\frac{3}{2\\sqrt{3}}", "\\f and rac{3}{2\\|sqrt{3}}"),
    ("3 trillion", "x\\not=0"),
    ("\\tan 45^\\circ", "\\tan 45^\\circn 45^\\c\"i"),
    ("100\\cdot pi", "100\\cot pi"),
    ("\\lvert rt_", "\\vert x \\vert"),
    ("-\\frac{1}{i}", "-\\^frac{1}{i}"),
    ("\\ln(6)", "\\l2nn(6)"),
    ("\\begin{pmatrix}1 2\\\\3 4\\end{pmatrix}", "\\begin{pmatrix}1 2\\\\3 4\\end{pmatrix}gin{pmatrix}1 2\\\\3 4\\end{pm"),
    ("sqrt(1/(x*y))*sqrt(sqrt(3) + 3)", "\\sqrt{\\frac{1}{x y}} \\sqrt{\\sqrt{3} + 3}"),
    ("\\frac{\\sqrt{5}+1}{2}", "\\frac\\sqrt{5}+1}.{2}"),
    ("\\pi\\cot k", "k*pi"),
    ("0.^\\circ2+0.1", "0.3"),
    ("3ln(2)", "ln(8)"),
    ("(x+1)/5", "0.2(x+1)"),
    ("0.5", "2^-1"),
    ("1.1025", "(1+0.05)^2"),
    ("1.21", "1.1*1.1"),
    ("0.001", "0.1^3"),
    ("x+1", "(x+1)^2/(x+1)"),
    ("ln(2)", "ln(2.0)"),
    ("x^2", "x^2.0"),
    ("nan+1", "nan"),
    ("(x+1)/3", "0.333333333333(x+1)"),
    ("sqrt(5)-1", "sqrt(6-sqrt(20))"),
    ("xf", "f(x)"),
    ("1+x", "0^0+x"),
    ("2/4", "(0.5x+1)/(x+2)"),
    ("1>x", "x<1"),
    ("fx", "f(x)"),
    ("x^2+x+0.25", "(x+0.5)^2"),
    ("nu*mu", "mu*nu"),
    ("2/2", "1/3*3.0"),
    ("yx", "xy"),
    ("0.6666666666666666", "2/3"),
    ("0.125", "2^-3"),
    ("1102.5", "1000*1.05^2"),
    ("x**(1/4)", "sqrt(sqrt(x))"),
    ("x", "x+0123"),
    ("0.2", "0.6/3"),
    ("x*x^x", "x^xx"),
    ("½x", "x½"),
    ("0.8x+0.7y", "0.7(x+y)+0.1x"),
    ("0.3333333333333333", "1/3"),
    ("1/10", "0.1"),
    ("x^2", "xx"),
    ("x^1.5", "sqrt(x)*x"),
    ("sqrt(2)", "2^0.5"),
    ("3.14*.15", "3.14.15"),
    ("sqrt(pi)/2", "0.5!"),
    ("10x", "x/0.1"),
    ("(x+y)/(xy)", "1/x+1/y"),
    ("72/2", "3!^2"),
    ("sqrt(2)+sqrt(3)", "sqrt(5+2sqrt(6))"),
    ("200/2", "100!/99!"),
    ("β+α", "α+β"),
    ("0.3x", "0.1*3x"),
    ("ln(2)^2", "ln^2(2)"),
    ("1/2", "frac(7/2)"),
    ("3ln(2)", "ln(2)(3)"),
    ("x*x", "x²"),
    ("x^2", "sqrt(x^4)"),
    ("3x+0.3", "3(x+0.1)"),
    ("-2/2", "sqrt(-1)*sqrt(-1)"),
    ("1500x", "1.5e3x"),
    ("4/2", "ln(9)/ln(3)"),
    ("ln(0)+0", "ln(0)"),
    ("xsqrt(y)", "sqrt(x^2y)"),
    ("x^6", "(x^3)^2"),
    ("3000/2", "1.5*10^3"),
    ("2pi", "pi2"),
    ("0.5sqrt(x)", "sqrt(0.25x)"),
    ("6^x", "2^x*3^x"),
    ("sqrt(x)/2", "sqrt(0.25x)"),
    ("8x", "2^3x"),
    ("3/10x", "0.3x"),
    ("1/100", "10^-2"),
    ("1/1000", "1e-3"),
    ("x", "sqrt(x^2)"),
    ("30/2", "5!!"),
    ("x/2", "x^1/2"),
    ("ln(2)", "ln(10)-ln(5)"),
    ("pi", "3.14159265358979"),
    ("(1+sqrt(2))*x", "sqrt(3+2sqrt(2))*x"),
    ("1+sqrt(2)+pi", "sqrt(3+2sqrt(2))+pi"),
    ("sqrt(2)*sqrt(2+sqrt(3))*x", "sqrt(4+2sqrt(3))*x"),
    ("pi", "sqrt(2+sqrt(3))*sqrt(2-sqrt(3))*pi"),
    ("(2+sqrt(3))*x", "sqrt(2+sqrt(3))^2*x"),
    ("x*sqrt(2+sqrt(3))*(2-sqrt(3))", "x/sqrt(2+sqrt(3))"),
    ("x*(sqrt(2)-1)", "x/(1+sqrt(2))"),
    ("pi*sqrt(2)-pi", "pi/(1+sqrt(2))"),
    ("(1+sqrt(2))*x", "sqrt((1+sqrt(2))^2)*x"),
    ("sqrt(2)-1", "sqrt((1-sqrt(2))^2)"),
    ("pi-3", "sqrt((3-pi)^2)"),
    ("(x+1)*sqrt(x+1)", "sqrt((x+1)^3)"),
    ("x*sqrt(x)", "sqrt(x)^3"),
    ("x**(3/4)", "sqrt(x*sqrt(x))"),
    ("2/2", "sqrt(1-sqrt(1-1))"),
    ("-ln(sqrt(2)+1)", "ln(sqrt(2)-1)"),
    ("3/2", "ln(8)/ln(4)"),
    ("1+ln(3)/ln(2)", "ln(6)/ln(2)"),
    ("ln(2)-ln(3)", "ln(2/3)"),
    ("ln(ln(4)/2)", "ln(ln(2))"),
    ("ln(2)*n", "n*ln(2)"),
    ("2ln(n)", "ln(n^2)"),
    ("x+y", "(x^2-y^2)/(x-y)"),
    ("x-y", "(sqrt(x)-sqrt(y))*(sqrt(x)+sqrt(y))"),
    ("sqrt(x)/x", "1/sqrt(x)"),
    ("sqrt(x)/sqrt(y)", "sqrt(x/y)"),
    ("2^x*2^y*1", "2^x*2^y"),
    ("8x^3", "(2x)^3"),
    ("x^n*y^n", "(x*y)^n"),
    ("2^n*2^n", "4^n"),
    ("2^n*(1/2)", "2^n/2"),
    ("1/2^n", "2^-n"),
    ("1/2^n", "(1/2)^n"),
    ("n*n!", "(n+1)!-n!"),
    ("n!*n!", "(n!)^2"),
    ("(n+1)*(n+2)", "(n+2)!/n!"),
    ("2^n*n!", "(2n)!!"),
    ("15sqrt(pi)/8", "(5/2)!"),
    ("(4/3)!*3/4", "(1/3)!"),
    ("y", "0x+y"),
    ("0/3", "x-x"),
    ("(x+y)^4*(x+y)^5", "(x+y)^9"),
    ("(3+sqrt(5))/2", "(sqrt(5)+1)/(sqrt(5)-1)"),
    ("sqrt(2)*sqrt(x^2)", "sqrt(x^2+x^2)"),
    ("(2^x)^2", "2^x^2"),
    ("x+4", "(-2)^2+x"),
    ("-x", "+-x"),
    ("-x*y", "x*-y"),
    ("3xy/4", "3x/4y"),
    ("3/2+0", "1/(2/3)"),
    ("3/2000", "1.5*10^-3"),
    ("2/2", "0.1*10"),
    ("0.1", "1-0.9"),
    ("220/2", "100*1.1"),
    ("0.25", "0.5*0.5"),
    ("0.75", "3.0/4"),
    ("2/3", "2/3.0"),
    ("22/7", "22/7.0"),
    ("x/3", "0.333333x"),
    ("0.25x^2+x+1", "(0.5x+1)^2"),
    ("x^2-0.25", "(x-0.5)(x+0.5)"),
    ("x^2-0.09", "(x+0.3)(x-0.3)"),
    ("0.3x^2", "0.1x^2+0.2x^2"),
]

QUESTIONS = [
    "Find the sum of all positive integers n such that n divides 60.",
    "Find the sum of all positive integers n such that n divides 72.",
    "Find the product of all positive integers n such that n divides 60.",
    "Let $f(x) = x^2 + 3x + 1$. Find the number of real roots of $f(f(x)) = 0$.",
    "Let $f(x) = x^2 - 3x + 1$. Find the number of real roots of $f(f(x)) = 0$.",
    "Let g(x) = x^2 + 3x + 1. Find the number of real roots of g(g(x)) = 0.",
    "How many ways can 8 people sit around a circular table?",
    "In how many ways can 8 people sit around a circular table?",
    "How many ways can 9 people sit around a round table if two of them refuse to sit together?",
    "What is 2+2?",
    "What is 2+2?",
    "Why?",
    "Why?",
    "Compute",
    "compute",
    "",
    "   ",
    "Évaluer l'intégrale de x² de 0 à 3.",
    "计算 一 加 一 等于 几",
    "计算 一 加 一 等于 多少",
    "a b c d e f g h",
    "a b c d e f g h i",
    "h g f e d c b a",
    "a\u00a0b c\td\ne f",
    "the the the the",
    "the the the the the the the the",
    "Find  the   area of a triangle with sides 13, 14 and 15.",
    "Find the area of a triangle with sides 13, 14 and 15.",
    "find the area of a triangle with sides 13, 14 and 15.",
    "Find the area of a triangle with sides 5, 12 and 13.",
]

BLEU_PAIRS = [(a, b) for i, a in enumerate(QUESTIONS) for j, b in enumerate(QUESTIONS) if (7 * i + 3 * j) % 29 in (0, 1) or (i != j and abs(i - j) == 1 and i % 2 == 0)]

CLUSTERING = [
    ("thirty_mixed", QUESTIONS),
    ("two_identical", [QUESTIONS[0], QUESTIONS[0]]),
    ("two_different", [QUESTIONS[0], QUESTIONS[17]]),
    ("all_empty", ["", "", ""]),
    ("reversed_order", QUESTIONS[::-1][:12]),
    ("chain", [f"one two three four five six seven eight {' '.join('abcdefgh'[:k])}" for k in range(9)]),
    ("short_texts", ["a", "a", "a b", "a b", "a b c", "a b c", "a b c d", "a b c d", "a b c e", "x b c d"]),
]

Q = "Determine the remainder when 3^100 is divided by 7."
QUESTION_EXTRACTION = [
    ("several_blocks_last_wins", f"<question>first</question><question>{Q}</question>\\boxed{{4}}"),
    ("last_block_blank", f"<question>{Q}</question><question> </question>\\boxed{{4}}"),
    ("nested_open_tags", f"<question>a <question>{Q}</question> b</question>\\boxed{{4}}"),
    ("close_before_open", f"</question><question>{Q}</question>\\boxed{{4}}"),
    ("open_without_close_at_end", f"<question>{Q}</question> <question>more \\boxed{{4}}"),
    ("upper_case", f"<QUESTION>{Q}</QUESTION>\\boxed{{4}}"),
    ("mixed_case_close", f"<question>{Q}</Question>\\boxed{{4}}"),
    ("attribute", f"<question id=1>{Q}</question>\\boxed{{4}}"),
    ("space_in_close", f"<question>{Q}</question >\\boxed{{4}}"),
    ("newlines_and_tabs", f"<question>\n\t{Q}\r\n</question>\n\n\\boxed{{4}}\n"),
    ("unicode_space", f"<question>\u3000{Q}\u00a0</question>\\boxed{{\u30004\u2003}}"),
    ("zero_width_space_stays", f"<question>\u200b</question>\\boxed{{4}}"),
    ("byte_order_mark_stays", f"<question>\ufeff{Q}\ufeff</question>\\boxed{{\ufeff4}}"),
    ("control_separators", f"<question>\x1c{Q}\x1f\x85</question>\\boxed{{\x1d4}}"),
    ("box_before_question", f"\\boxed{{9}}<question>{Q}</question>"),
    ("two_boxes", f"<question>{Q}</question>\\boxed{{9}} or \\boxed{{10}}"),
    ("nested_box", f"<question>{Q}</question>\\boxed{{\\boxed{{12}}}}"),
    ("fraction_answer", f"<question>{Q}</question>\\boxed{{\\frac{{1}}{{2}}}}"),
    ("blank_box", f"<question>{Q}</question>\\boxed{{  }}"),
    ("empty_box", f"<question>{Q}</question>\\boxed{{}}"),
    ("empty_then_full", f"<question>{Q}</question>\\boxed{{}} \\boxed{{7}}"),
    ("full_then_empty", f"<question>{Q}</question>\\boxed{{7}} \\boxed{{}}"),
    ("full_then_unclosed", f"<question>{Q}</question>\\boxed{{7}} \\boxed{{8"),
    ("unclosed_alone", f"<question>{Q}</question>\\boxed{{"),
    ("box_with_space", f"<question>{Q}</question>\\boxed {{4}}"),
    ("escaped_braces", f"<question>{Q}</question>\\boxed{{\\{{1,2\\}}}}"),
    ("escaped_brace_unbalanced", f"<question>{Q}</question>\\boxed{{\\}} 5}}"),
    ("emoji_answer", f"<question>{Q}</question>\\boxed{{x𝑥}}"),
    ("combining_answer", f"<question>{Q}</question>\\boxed{{e\u0301}}"),
    ("question_is_tag_text", "<question><question></question></question>\\boxed{1}"),
    ("question_with_angle", "<question>Is 1 < 2?</question>\\boxed{\\text{Yes}}"),
    ("only_tags", "<question></question>"),
    ("think_with_question", f"<think><question>draft</question></think> no final block \\boxed{{4}}"),
    ("prompt_echo", "<question>\n{The full problem statement on one or more lines}\n</question>\n\n\\boxed{final_answer}"),
    ("answer_none", f"<question>{Q}</question>\\boxed{{None}}"),
    ("windows_lines", f"<question>\r\n{Q}\r\n</question>\r\n\r\n\\boxed{{4}}"),
    ("fbox", f"<question>{Q}</question>\\fbox{{4}}"),
    ("double_backslash", f"<question>{Q}</question>\\\\boxed{{4}}"),
    ("long_spaces", "<question>" + " " * 300 + Q + "</question>\\boxed{4}"),
]

BOXED_EXTRACTION = [text for _, text in QUESTION_EXTRACTION if "boxed" in text] + [
    "",
    "\\boxed",
    "\\boxed{",
    "\\boxed{}",
    "\\boxed{a}b}",
    "\\boxed{{a}}",
    "\\boxed{a{b}",
    "\\boxed{a}{b}",
    "\\boxed{\\{a\\}}",
    "\\boxed{\\boxed{1} \\boxed{2}}",
    "\\boxed{1 \\boxed{2}",
    "\\boxed{\n7\n}",
    "$$\\boxed{\\begin{pmatrix}1\\\\2\\end{pmatrix}}$$",
    "boxed{5}",
    "\\Boxed{5}",
    "\\boxed{1}\\boxed{}\\boxed{ }",
    "\\boxed{𝑥}",
    "}}\\boxed{3}{{",
]


def boxes(*answers):
    return [answer if answer is None else f"\\boxed{{{answer}}}" for answer in answers]


def votes(*answers):
    """Ten completions; None stands for one without a box."""
    return ["I do not know." if text is None else text for text in boxes(*answers)]


MAJORITY_VOTE = [
    ("halves", votes("1/2", "0.5", "\\frac12", "\\frac{1}{2}", ".5", "2/4", "50\\%", "0.50", "1", "2")),
    ("float_rounding", votes("0.3", "0.1+0.2", "3/10", "0.30", "30\\%", "0.3", "1", "1", "1", "1")),
    ("radicals", votes("2\\sqrt{2}", "\\sqrt{8}", "\\sqrt8", "2\\sqrt2", "\\frac{4}{\\sqrt{2}}", "2.828", "8^{1/2}", "3", "3", "3")),
    ("order_of_factors", votes("\\pi\\sqrt{2}", "\\sqrt{2}\\pi", "\\sqrt2 \\pi", "\\pi\\sqrt2", "4.44", "4.44", "1", "2", "3", "4")),
    ("first_key_wins", votes("x^2-1", "(x-1)(x+1)", "(x+1)(x-1)", "1-x^2", "x^2-1=0", "-1+x^2", "y=x^2-1", "0", "0", "0")),
    ("not_transitive", votes("x=3", "3", "3.0", "x=3.0", "x = 3", "3", "x=3.0", "x=3.0", "4", "4")),
    ("yes_no", votes("Yes", "yes", "\\text{Yes}", "No", "no", "\\text{no}", "Yes.", "True", "true", "no ")),
    ("no_with_space", votes("no solution", "No  such x", "\\text{There is no answer}", "none", "None", None, "no", "0", "0", "1")),
    ("casino", votes("casino", "casino night", "piano keys", "volcano", "no ", "nosolution", "1", "1", "1", "2")),
    ("missing_and_empty", votes(None, "", None, "", "5", "5", None, "", "5", "")),
    ("spaces_only", votes(" ", "  ", "\t", "7", "7", "8", " ", "", "8", "8")),
    ("all_missing", votes(*[None] * 10)),
    ("ten_different", votes(*range(10, 20))),
    ("three_way_tie", votes("1", "2", "3", "1", "2", "3", "1", "2", "3", "4")),
    ("late_majority", votes("1", "2", "2", "1", "3", "3", "3", "3", "1", "2")),
    ("units", votes("5 cm", "5", "5\\text{ cm}", "5cm", "5 \\mathrm{cm}", "5 m", "5\\,\\text{m}", "5 meters", "50 mm", "5\\%")),
    ("degrees", votes("60^\\circ", "60", "60^{\\circ}", "60°", "60 degrees", "\\frac{\\pi}{3}", "60\\degree", "60.0", "61", "61")),
    ("money", votes("\\$5.00", "5", "5.00", "\\$5", "5 dollars", "\\text{\\$}5", "$5$", "500 cents", "4", "4")),
    ("thousands", votes("1,000", "1000", "1{,}000", "1\\,000", "10^3", "1e3", "1 000", "1.000", "1000.0", "1\\!000")),
    ("millions", votes("3 million", "3000000", "3,000,000", "3\\times10^6", "3 \\text{ million}", "3e6", "3*10^6", "1", "1", "1")),
    ("tuples", votes("(1,2)", "(1, 2.0)", "(2/2,2)", "(1,\\frac{4}{2})", "[1,2]", "(1;2)", "1,2", "\\left(1,2\\right)", "(1,2,3)", "(2,1)")),
    ("intervals", votes("(-\\infty,3)", "(-\\infty, 3)", "(-inf,3)", "x<3", "(-\\infty,3]", "(-∞,3)", "(-\\infty,3.0)", "3", "3", "3")),
    ("sets", votes("\\{1,2\\}", "\\{2,1\\}", "1,2", "1 \\text{ or } 2", "1 or 2", "1 and 2", "x=1,2", "{1,2}", "2,1", "\\{1, 2\\}")),
    ("letters", votes("A", "a", "(A)", "\\text{A}", "\\textbf{A}", "A.", "\\mathrm{A}", "B", "B", "b")),
    ("matrices", votes("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}", "(1,2)", "[1;2]", "\\binom{1}{2}", "12", "\\frac{1}{2}", "1/2", "0.5")),
    ("binomials", votes("\\binom{5}{2}", "10", "52", "{5\\choose2}", "10.0", "C(5,2)", "\\frac{5!}{2!3!}", "10", "52", "1")),
    ("mixed_numbers", votes("3\\frac{1}{2}", "3.5", "\\frac{7}{2}", "7/2", "3 1/2", "3+1/2", "3\\tfrac12", "3.50", "31/2", "-3.5")),
    ("nested_radicals", votes("\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt{2}", "\\sqrt2+1", "\\frac{1}{\\sqrt{2}-1}", "2.414", "2", "2", "1", "1", "1")),
    ("factorials", votes("n!", "n(n-1)!", "n \\cdot (n-1)!", "\\frac{(n+1)!}{n+1}", "(n)!", "n", "n", "n", "1", "1")),
    ("logarithms", votes("\\ln(4)", "2\\ln(2)", "\\ln 4", "2\\ln 2", "1.386", "\\ln(2)+\\ln(2)", "-\\ln(1/4)", "4", "4", "4")),
    ("text_label", votes("\\text{Paris}", "Paris", "\\text{ Paris}", "paris", "Lyon", "\\textit{Paris}", "\\mbox{Paris}", "Lyon", "Lyon", "Lyon")),
    ("labels_with_text", votes("context", "context", "context", "texture", "1", "2", "3", "4", "5", "6")),
    ("complex", votes("2+3i", "3i+2", "2 + 3i", "2+3\\mathrm{i}", "(2+3i)", "2-3i", "2-3i", "3+2i", "5", "5")),
    ("equations", votes("y=2x+1", "2x+1", "y = 2x + 1", "1+2x", "f(x)=2x+1", "2x+1=y", "y=2x", "3", "3", "3")),
    ("no_majority_of_none", votes(None, None, "none", "None", "NONE", "\\text{None}", "4", "4", "4", "4")),
]

S = "<think>a</think> so \\boxed{4}"
SOLVER_REWARD = [
    ("plain", "\\boxed{4}", "4"),
    ("think_without_box", "<think>a</think> so 4", "4"),
    ("think_empty", "<think></think>\\boxed{4}", "4"),
    ("think_twice", "<think>a</think><think>b</think>\\boxed{4}", "4"),
    ("think_nested", "<think>a<think>b</think>c</think>\\boxed{4}", "4"),
    ("close_before_open", "</think><think>\\boxed{4}", "4"),
    ("box_before_and_after", "<think>\\boxed{5}</think>\\boxed{4}", "4"),
    ("leading_newline", "\n" + S, "4"),
    ("leading_spaces", "   " + S, "4"),
    ("trailing_text", S + " done.\n\n", "4"),
    ("upper_case_think", "<THINK>a</THINK>\\boxed{4}", "4"),
    ("spaced_marks", "<  think  >\na\n<\t/\tthink\n>\n\\boxed{4}", "4"),
    ("spaces_in_fraction", "\\boxed{1 / 2}", "\\frac{1}{2}"),
    ("spaces_around_less", "\\boxed{x < 3}", "x<3"),
    ("spaces_around_greater", "\\boxed{x > 3}", "x > 3"),
    ("label_keeps_its_spaces", "\\boxed{a / b}", "a / b"),
    ("unclosed_box_with_think", "<think>a</think>\\boxed{4", "4"),
    ("brace_later", "<think>a</think>\\boxed{4 and }", "4"),
    ("two_boxes", "<think>a</think>\\boxed{4} \\boxed{5}", "4"),
    ("equal_by_value", "\\boxed{0.25}", "\\frac14"),
    ("not_reduced", "\\boxed{3/6}", "0.5"),
    ("integer_against_root", "\\boxed{\\sqrt{16}}", "4"),
    ("percent", "\\boxed{50\\%}", "50"),
    ("percent_against_half", "\\boxed{50\\%}", "0.5"),
    ("float_rounding", "\\boxed{0.1+0.2}", "0.3"),
    ("polynomial", "\\boxed{(x+1)^2}", "x^2+2x+1"),
    ("empty_label", "\\boxed{}", ""),
    ("empty_label_no_box", "nothing", ""),
    ("label_none", "nothing", "none"),
    ("label_with_box", "\\boxed{4}", "\\boxed{4}"),
    ("tuple", "\\boxed{(1, 2)}", "(1,2.0)"),
    ("case", "\\boxed{yes}", "Yes"),
    ("unicode_spaces", "<think>a</think>\u3000\\boxed{4}\u00a0/\u00a02", "4"),
    ("swapped_arguments_matter", "\\boxed{x=3}", "3.0"),
    ("units", "\\boxed{5 \\text{ cm}}", "5"),
]

MULTIPLE_CHOICE_PREDICTION = [
    "\\boxed{A}",
    "\\boxed{\\text{C}}",
    "\\boxed{\\textbf{(C)}}",
    "\\boxed{\\mathrm{D}}",
    "\\boxed{c}",
    "\\boxed{Z}",
    "\\boxed{}",
    "\\boxed{ }",
    "\\boxed{} Final Answer: B\n",
    "\\boxed{B}\\boxed{}",
    "\\boxed{B}\\boxed{",
    "\\boxed{B} and \\boxed{\\frac{\\sqrt{A}}{C}}",
    "\\boxed{B} and \\boxed{\\frac{\\sqrt{\\frac{A}{C}}}{C}}",
    "\\boxed{{{{A}}}} \\boxed{B",
    "\\boxed{\\boxed{E}}",
    "\\boxed{J. Answer}",
    "\\boxed{Both A and B}",
    "\\boxed{I think B}",
    "\\boxed{none}",
    "\\boxed{None of the above}",
    "\\boxed{HI}",
    "\\boxed{\nG\n}",
    "\\boxed{B} Assistant: \\boxed{C}",
    "Assistant: \\boxed{B} Assistant: no box",
    "Assistant:\\boxed{D}</s>\\boxed{E}",
    "</s>\\boxed{A}",
    "\\boxed{A}<|endoftext|>\\boxed{B}<|im_end|>\\boxed{C}",
    "<|im_start|>user \\boxed{A}",
    "<|im_start|>assistant \\boxed{A}<|im_start|>user \\boxed{B}<|im_start|>assistant \\boxed{C}",
    "<|im_start|>user a<|im_start|>assistant \\boxed{A}<|im_start|>assistant \\boxed{B}",
    "<|im_start|>user Assistant: \\boxed{A}",
    "Final Answer: B",
    "Final Answer: B\nFinal Answer: C\n",
    "Final Answer: C\nThe answer is: D\n",
    "The answer is: D\nThe answer is: E",
    "The answer is:\nE\n",
    "Final Answer:\n\nB",
    "final answer: B\n",
    "Final Answer: <b>B</b>\n",
    "Final Answer: <<B>>\n",
    "Final Answer: B<\nrest\n",
    "Final Answer: Final Answer: F\n",
    "Final Answer: none\nThe answer is: B\n",
    "**Final Answer:** G\n",
    "The answer is G.",
    "",
    "A",
    "\\fbox{A}",
    "\\boxed {A}",
    "\\boxed{\\{A\\}}",
    "\\boxed{A}}\\boxed{{B}",
    "Ａ \\boxed{Ａ}",
]

BBEH_EVALUATE_CORRECTNESS = [
    ("The answer is: B", "b"),
    ("The answer is B.", "B"),
    ("The final answer is: 7", "7"),
    ("The final answer is 7", "7"),
    ("The final answer is: The answer is 8", "8"),
    ("the answer is: 7", "7"),
    ("I think The answer is: 7.\nBecause", "7"),
    ("The answer is: 7\n\nThe answer is: 9", "9"),
    ("(a)", "A"),
    ("(A)", "(a)"),
    ("a", "(A)"),
    ("(AB)", "AB"),
    ("( )", " "),
    ("(1)", "1"),
    ("1", "(1)"),
    ("[1]", "1"),
    ("1", "[1]"),
    ("[a, b]", "a,b"),
    ("a, b", "[a,b]"),
    ("[[1]]", "[1]"),
    ("7.0", "7"),
    ("7", "7.00"),
    ("1e3", "1000"),
    ("1_000", "1000"),
    ("1,000", "1000"),
    ("inf", "infinity"),
    ("nan", "nan"),
    ("NaN", "nan "),
    ("-0", "0"),
    ("+5", "5"),
    ("0x10", "16"),
    (" 7 ", "7"),
    ("7.", "7"),
    ("7..", "7"),
    ("...", "."),
    ("$7$", "7"),
    ("$$7$$", "7"),
    ("$", "$"),
    ("\\boxed{7}", "7"),
    ("$\\boxed{7}$", "7"),
    ("\\boxed{\\text{yes}}", "yes"),
    ("\\boxed{a} or \\boxed{b}", "a} or \\"),
    ("\\text{a} and \\text{b}", "a} and \\"),
    ("\\texttt{code}", "code"),
    ("\\text{\\texttt{x}}", "x}"),
    ("**7**", "7"),
    ("**Yes**", "yes"),
    ("'yes'", "yes"),
    ("it's", "its"),
    ("“yes”", "yes"),
    ("yes?", "yes"),
    ("yes", "yes?"),
    ("yes??", "yes"),
    ("yes.", "Yes"),
    ("Yes, it is", "yes,it is"),
    ("yes,  it is", "yes, it is"),
    ("a\nb", "a"),
    ("\na", "a"),
    ("a.\nb", "a"),
    ("", ""),
    ("", " "),
    (".", ""),
    ("unknown", "Unknown"),
    ("ÄPFEL", "äpfel"),
    ("İ", "i̇"),
    ("proved", "disproved"),
    ("5 apples", "5"),
    ("٣", "3"),
    ("３", "3"),
    ("A, B, C", "a,b,c"),
    ("A,B , C", "a,b ,c"),
    ("The answer is ", ""),
    ("The answer is:", ""),
]

INPUTS = {
    "bleu_pairs": BLEU_PAIRS,
    "clustering": CLUSTERING,
    "boxed_extraction": BOXED_EXTRACTION,
    "question_extraction": QUESTION_EXTRACTION,
    "grade_answer": GRADE_ANSWER,
    "majority_vote": MAJORITY_VOTE,
    "solver_reward": SOLVER_REWARD,
    "multiple_choice_prediction": MULTIPLE_CHOICE_PREDICTION,
    "bbeh_evaluate_correctness": BBEH_EVALUATE_CORRECTNESS,
}


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Anything:
    """Stands in for whatever needs a GPU or a network: takes any call, has any attribute."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        return Anything()

    def __call__(self, *args, **kwargs):
        return Anything()


class Tokenizer(Anything):
    chat_template = None
    eos_token_id = 2
    pad_token_id = 2
    eos_token = "</s>"
    pad_token = "</s>"


class Completion:
    def __init__(self, text):
        self.text = text


class Request:
    def __init__(self, texts):
        self.outputs = [Completion(text) for text in texts]


class Model:
    """Answers every prompt with the completions that are on the queue for it."""

    queue = []

    def __init__(self, *args, **kwargs):
        pass

    def generate(self, prompts, *args, **kwargs):
        taken, Model.queue = Model.queue[: len(prompts)], Model.queue[len(prompts) :]
        return [Request(texts) for texts in taken]


class Flask:
    routes = {}

    def __init__(self, *args, **kwargs):
        pass

    def route(self, path, **kwargs):
        return lambda function: Flask.routes.setdefault(path, function)


def install_stubs():
    def stub(name, **attributes):
        module = types.ModuleType(name)
        module.__dict__.update(attributes)
        sys.modules[name] = module

    stub("vllm", LLM=Model, SamplingParams=Anything)
    stub("vllm.outputs", RequestOutput=Anything)
    stub("torch", cuda=Anything(), rand=Anything(), ones=Anything(), matmul=Anything(), float32=None)
    stub("transformers", AutoTokenizer=types.SimpleNamespace(from_pretrained=lambda *args, **kwargs: Tokenizer()))
    stub("datasets", load_dataset=Anything())
    stub("requests", get=Anything())
    request = types.SimpleNamespace(args={})
    stub("flask", Flask=Flask, request=request, jsonify=lambda value: value)
    stub("evaluation")
    handler = types.SimpleNamespace(load_data=lambda: (["q"], ["a"]))
    stub("evaluation.datasets_loader", get_dataset_handler=lambda name: handler)
    return request


def bleu_pairs(caller, pairs):
    entries = []
    for hypothesis, reference in pairs:
        distance = float(caller._bleu_distance_matrix([hypothesis, reference])[0, 1])
        bleu = caller.sentence_bleu(
            [reference.split()], hypothesis.split(), smoothing_function=caller.SmoothingFunction().method1
        )
        entries.append({"hypothesis": hypothesis, "reference": reference, "bleu": float(bleu), "distance": distance})
    return entries


def clustering(caller, batches):
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    entries = []
    for name, questions in batches:
        matrix = caller._bleu_distance_matrix(questions)
        model = caller.AgglomerativeClustering(
            n_clusters=None, distance_threshold=0.5, metric="precomputed", linkage="average"
        )
        labels = [int(label) for label in model.fit_predict(matrix)]
        order = {}
        for label in labels:
            order.setdefault(label, len(order))
        entries.append(
            {
                "name": name,
                "questions": questions,
                "distance_matrix": matrix.tolist(),
                "sklearn_labels": labels,
                "canonical_labels": [order[label] for label in labels],
                "penalty": [float(share) for share in caller.cluster_share_per_problem(questions)],
                "merge_heights": [float(row[2]) for row in linkage(squareform(matrix, checks=False), "average")],
            }
        )
    return entries


def boxed_extraction(caller, generate, texts):
    return [
        {
            "text": text,
            "mathruler_extract_boxed_content": caller.extract_boxed_content(text),
            "question_generate_extract_boxed": generate.extract_boxed(text),
        }
        for text in texts
    ]


def question_extraction(caller, generate, completions, folder):
    parsed = []

    def keep(items):
        parsed.extend(items)
        return [{**item, "score": 0.5} for item in items]

    caller.generate_results = keep
    penalty, caller.cluster_share_per_problem = caller.cluster_share_per_problem, lambda problems, **kwargs: [0] * len(problems)
    caller.compute_score([text for _, text in completions], [""] * len(completions))
    caller.cluster_share_per_problem = penalty
    Model.queue = [[text] for _, text in completions]
    (folder / "generated_question").mkdir(exist_ok=True)
    generate.main(types.SimpleNamespace(model="m", num_samples=len(completions), suffix="0", save_name="made"))
    rows = json.loads((folder / "generated_question" / "made_0.json").read_text())
    return [
        {
            "name": name,
            "completion": text,
            "training_reward_parse": training,
            "dataset_generation_parse": row,
            "valid_in_training": bool(training["question"]),
            "valid_in_generation": row["score"] == 0,
        }
        for (name, text), training, row in zip(completions, parsed, rows, strict=True)
    ]


def rules(given, truth):
    """Which rule of `grade_answer` decided, in its order; the decision itself is taken from `grade_answer`."""
    from mathruler import grader
    from mathruler.math_normalize import normalize_answer

    if normalize_answer(truth) == normalize_answer(given):
        return "mathd_string_equal"
    truth_form, given_form = grader._normalize(truth), grader._normalize(given)
    if truth_form == given_form:
        return "normalised_string_equal"
    if len(given_form) == 0:
        return "given_empty"
    truths, givens = grader.split_tuple(truth_form), grader.split_tuple(given_form)
    if len(truths) > 1 and (truth_form[0] != given_form[0] or truth_form[-1] != given_form[-1]):
        return "bracket_mismatch"
    if len(truths) != len(givens):
        return "length_mismatch"
    names = []
    for left, right in zip(truths, givens, strict=True):
        if grader._is_frac(left) and grader._is_frac(right):
            names.append("both_fractions_string_compare")
            equal = left == right
        elif grader._str_is_int(left) != grader._str_is_int(right):
            names.append("one_side_integer")
            equal = False
        else:
            allowed = grader.should_allow_eval(f"({left})-({right})")
            names.append("sympy" if allowed else "sympy_refused")
            equal = grader.are_equal_under_sympy(left, right)
        if not equal:
            break
    return "+".join(names)


def grade_entry(given, truth):
    from mathruler import grader
    from mathruler.math_normalize import normalize_answer

    forward, backward = bool(grader.grade_answer(given, truth)), bool(grader.grade_answer(truth, given))
    return {
        "given": given,
        "truth": truth,
        "given_vs_truth": forward,
        "truth_vs_given": backward,
        "equivalent_either_direction": forward or backward,
        "decided_by": rules(given, truth),
        "mathd_norm_given": normalize_answer(given),
        "mathd_norm_truth": normalize_answer(truth),
        "norm_given": grader._normalize(given),
        "norm_truth": grader._normalize(truth),
    }


def grading_worker(pipe):
    warnings.simplefilter("ignore")
    while True:
        pipe.send(grade_entry(*pipe.recv()))


def grade_answers(pairs):
    entries, worker = [], None
    for given, truth in pairs:
        if worker is None:
            pipe, other = multiprocessing.Pipe()
            worker = multiprocessing.Process(target=grading_worker, args=(other,), daemon=True)
            worker.start()
        pipe.send((given, truth))
        if pipe.poll(SECONDS_PER_PAIR):
            entries.append(pipe.recv())
        else:
            print(f"left out, no answer in {SECONDS_PER_PAIR} s: {given!r} | {truth!r}", file=sys.stderr)
            worker.kill()
            worker = None
    return entries


def server_votes(server, request, completions, folder):
    """The reward server's route, on one file with all questions."""
    asked = [{"question": f"q{i}", "answer": "a"} for i in range(len(completions))]
    path = folder / "asked.json"
    path.write_text(json.dumps(asked))
    request.args = {"name": str(path)}
    Model.queue = list(completions)
    Flask.routes["/hello"]()
    return json.loads((folder / "asked_results.json").read_text())


def builder_votes(path, completions, folder):
    """evaluate.py, which is a script, on one file; questions that it dropped are missing in the result."""
    asked = [{"question": f"q{i}", "answer": "a", "score": 0} for i in range(len(completions))]
    (folder / "generated_question").mkdir(exist_ok=True)
    (folder / "generated_question" / "made_0.json").write_text(json.dumps(asked))
    Model.queue = list(completions)
    sys.argv = ["evaluate.py", "--save_name", "made", "--suffix", "0"]
    load(path, "official_evaluate")
    rows = json.loads((folder / "generated_question" / "made_0_results.json").read_text())
    by_question = {row["question"]: row for row in rows}
    return [by_question.get(item["question"]) for item in asked]


def majority_vote(server, request, evaluate, cases, folder):
    completions = [texts for _, texts in cases]
    served = server_votes(server, request, completions, folder)
    all_ten = builder_votes(evaluate, completions, folder)
    first_nine = builder_votes(evaluate, [texts[:9] for texts in completions], folder)
    brief = lambda row: row and {"majority": row["answer"], "score": row["score"], "n_kept": len(row["results"])}
    return [
        {
            "name": name,
            "completions": texts,
            "extracted": row["results"],
            "server": {
                "majority": row["answer"],
                "score": row["score"],
                "challenger_uncertainty_code": min(row["score"], 1 - row["score"]),
            },
            "dataset_builder_all10": brief(ten),
            "dataset_builder_first9": brief(nine),
        }
        for (name, texts), row, ten, nine in zip(cases, served, all_ten, first_nine, strict=True)
    ]


def solver_reward(math, cases):
    return [
        {"name": name, "completion": text, "pseudo_label": label, **math.compute_score([text], [label])[0]}
        for name, text, label in cases
    ]


def multiple_choice(evaluations, outputs):
    for module in evaluations:
        module.random = types.SimpleNamespace(choice=lambda options: "RANDOM")
    first, second = evaluations
    return [
        {
            "output": output,
            "extract_solution": first.extract_solution(output),
            "prediction_supergpqa": first.get_prediction(output),
            "prediction_mmlupro": second.get_prediction(output),
        }
        for output in outputs
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("official", type=Path, help="checkout of the public repository")
    parser.add_argument("--out", type=Path, default=Path("official-extra-vectors.json"))
    parser.add_argument("--inputs", type=Path)
    args = parser.parse_args()
    official, out = args.official.resolve(), args.out.resolve()
    inputs = INPUTS if args.inputs is None else {name: [] for name in INPUTS} | json.loads(args.inputs.read_text())
    request = install_stubs()
    graded = grade_answers(inputs["grade_answer"])
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(name)
        os.environ["STORAGE_PATH"] = name
        os.chdir(name)
        sys.argv = ["server"]
        thread, threading.Thread = threading.Thread, Anything  # no loop that keeps a GPU busy
        server = load(official / "vllm_service_init/start_vllm_server.py", "official_server")
        threading.Thread = thread
        caller = load(official / "examples/reward_function/caller_penalty.py", "official_caller")
        generate = load(official / "question_generate/question_generate.py", "official_generate")
        math = load(official / "examples/reward_function/math.py", "official_math")
        bbeh = load(official / "evaluation/eval_bbeh.py", "official_bbeh")
        choices = [
            load(official / f"evaluation/{file}.py", f"official_{file}") for file in ("eval_supergpqa", "eval_mmlupro")
        ]
        evaluate = official / "question_evaluate/evaluate.py"
        vectors = {
            "bleu_pairs": bleu_pairs(caller, inputs["bleu_pairs"]),
            "clustering": clustering(caller, inputs["clustering"]),
            "boxed_extraction": boxed_extraction(caller, generate, inputs["boxed_extraction"]),
            "question_extraction": question_extraction(caller, generate, inputs["question_extraction"], folder),
            "grade_answer": graded,
            "majority_vote": majority_vote(server, request, evaluate, inputs["majority_vote"], folder),
            "solver_reward": solver_reward(math, inputs["solver_reward"]),
            "multiple_choice_prediction": multiple_choice(choices, inputs["multiple_choice_prediction"]),
            "bbeh_evaluate_correctness": [
                {"solution": solution, "reference": reference, "correct": bbeh.evaluate_correctness(solution, reference)}
                for solution, reference in inputs["bbeh_evaluate_correctness"]
            ],
        }
        os.chdir("/")
    meta = {
        "what": "Conformance vectors in the form of r-zero-vectors.json, made by make-vectors.py from the official source files.",
        "official_commit": "5699329d018d79535b7910abdedf5a6eebf355fd (2026-02-04)",
        "library_versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "tolerances": {"bleu_and_distances": 1e-09, "rewards": 1e-09},
    }
    families = {name: items for name, items in vectors.items() if items}
    lines = [f'"meta": {json.dumps(meta)}'] + [
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(item) for item in items) + "\n]"
        for name, items in families.items()
    ]
    out.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print({name: len(items) for name, items in families.items()}, file=sys.stderr)


if __name__ == "__main__":
    main()
