"""The Python side of `npm run bench:method`: the public code's own functions, on the questions and answers of a file.

Usage: method-reference.py penalty|votes CORPUS KEY SIZE RESULT. Writes one JSON object to the file RESULT. Seconds are processor
time, and do not include the imports.
"""
import json
import resource
import sys
import time
from collections import Counter

import numpy as np
from mathruler.grader import grade_answer
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from sklearn.cluster import AgglomerativeClustering


def bleu_distance_matrix(sentences):
    """examples/reward_function/caller_penalty.py:30-43"""
    n = len(sentences)
    dist = np.zeros((n, n))
    smoother = SmoothingFunction().method1
    for i in range(n):
        for j in range(i, n):
            if i == j:
                score = 1.0
            else:
                ref = [sentences[j].split()]
                hyp = sentences[i].split()
                score = sentence_bleu(ref, hyp, smoothing_function=smoother)
            dist[i, j] = dist[j, i] = 1 - score
    return dist


def penalties(problems):
    """examples/reward_function/caller_penalty.py:45-68, which also returns the labels here"""
    clustering = AgglomerativeClustering(
        n_clusters=None, distance_threshold=0.5, metric="precomputed", linkage="average"
    )
    labels = clustering.fit_predict(bleu_distance_matrix(problems))
    total = len(problems)
    size = Counter(labels)
    return {"labels": [int(label) for label in labels], "penalties": [size[label] / total for label in labels]}


def majority(results):
    """vllm_service_init/start_vllm_server.py:162-224, less the time limit of 10 s that it puts around every call of the grader"""
    answer_counts = {}
    for res in results:
        if not res:
            continue
        matched = False
        for exist_ans in list(answer_counts.keys()):
            if res == exist_ans or ("no " in res.lower() and "no " in exist_ans.lower()):
                answer_counts[exist_ans] += 1
                matched = True
                break
            try:
                if grade_answer(res, exist_ans) or grade_answer(exist_ans, res):
                    answer_counts[exist_ans] += 1
                    matched = True
                    break
            except Exception:
                continue
        if not matched:
            answer_counts[res] = 1
    if not answer_counts:
        return ["", 0]
    label = max(answer_counts, key=answer_counts.get)
    return [label, answer_counts[label]]


def main():
    task, path, key, size, result_path = sys.argv[1:6]
    with open(path, encoding="utf-8") as file:
        data = json.load(file)[key][: int(size)]
    wall, processor = time.perf_counter(), time.process_time()
    result = penalties(data) if task == "penalty" else {"votes": [majority(answers) for answers in data]}
    result["seconds"] = time.process_time() - processor
    result["wallSeconds"] = time.perf_counter() - wall
    unit = 1 if sys.platform == "darwin" else 1024
    result["peakBytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
