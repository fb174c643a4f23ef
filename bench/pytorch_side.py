"""Does a benchmark's work with PyTorch: `pytorch_side.py FOLDER THREADS`. Reads one JSON object a line, answers one a line.

The folder's `side.py` has a class `Side`: made from a task, its methods do pieces of work and give a number that the other side must
agree on; with a second one, the seconds that counted, where not all of the method does.
"""

import json
import platform
import sys
import time

import torch


def main():
    folder, threads = sys.argv[1:]
    sys.path.insert(0, folder)
    from side import Side

    torch.set_num_threads(int(threads))
    side = None
    for line in sys.stdin:
        task = json.loads(line)
        work = task.pop('do')
        if work == 'versions':
            answer = {'python': platform.python_version(), 'torch': torch.__version__}
        elif work == 'prepare':
            side = Side(task)
            answer = {}
        else:
            start = time.perf_counter()
            result = getattr(side, work)(**task)
            seconds = time.perf_counter() - start
            loss, seconds = result if isinstance(result, tuple) else (result, seconds)
            answer = {'seconds': seconds, 'loss': loss}
        print(json.dumps(answer), flush=True)


main()
