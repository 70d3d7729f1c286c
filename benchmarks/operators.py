"""CPU time per operator call on tiny tensors, one thread: the Python side of operators.ts.

Reads one command per line from stdin ("<operator> <calls> <grad>"), runs it, and answers with nanoseconds per call.
"""

import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def cases(grad):
    def leaf(*shape):
        return torch.randn(*shape).requires_grad_(grad)

    a, b, w, bias = leaf(4, 4), leaf(4, 4), leaf(4, 4), leaf(4)
    index = torch.tensor([0, 2])
    return {
        "add": lambda: a + b,
        "mul": lambda: a * b,
        "matmul": lambda: a @ b,
        "sum": lambda: a.sum(1),
        "reshape": lambda: a.reshape(2, 8),
        "transpose": lambda: a.transpose(0, 1),
        "cat": lambda: torch.cat([a, b]),
        "slice": lambda: a[1:3],
        "index_select": lambda: a.index_select(0, index),
        "layer_norm": lambda: F.layer_norm(a, (4,), bias, bias),
        "linear": lambda: F.linear(a, w, bias),
        "softmax": lambda: a.softmax(-1),
    }


def measure(body, calls):
    # A named loop variable would keep the last result alive; the loop itself is the same in both languages.
    start = time.process_time_ns()
    for _ in range(calls):
        body()
    return (time.process_time_ns() - start) / calls


def main():
    tables = {False: cases(False), True: cases(True)}
    for line in sys.stdin:
        name, calls, grad = line.split()
        print(measure(tables[grad == "1"][name], int(calls)), flush=True)


main()
