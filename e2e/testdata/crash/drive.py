"""Works on every service until the file "stop" is there, then checks what must be true.

usage: drive.py FOLDER      FOLDER/url names the platform, anew after each restart"""
import json
import os
import sys
import threading
import time
import traceback

import workers
from calls import unsure

folder = sys.argv[1]


def url():
    with open(os.path.join(folder, "url")) as f:
        return f.read().strip()


def stopped():
    return os.path.exists(os.path.join(folder, "stop"))


class Runner(threading.Thread):
    def __init__(self, worker):
        super().__init__(daemon=True)
        self.worker, self.known, self.unknown, self.error = worker, {}, {}, None

    def run(self):
        try:
            self.work()
        except Exception:
            self.error = traceback.format_exc()

    def again(self, call):
        """Calls until the platform answers."""
        while True:
            try:
                return call(workers.client(url(), self.worker.service))
            except Exception as e:
                if not unsure(e):
                    raise
                time.sleep(0.05)

    def work(self):
        self.again(self.worker.setup)
        i, client = 0, workers.client(url(), self.worker.service)
        while not stopped() or len(self.known) < 3:  # a slow machine gets its time
            i += 1
            try:
                self.known[i] = self.worker.step(client, i)
            except Exception as e:
                if not unsure(e):
                    raise
                self.unknown[i] = True
                time.sleep(0.05)
                client = workers.client(url(), self.worker.service)

    def check(self):
        self.worker.check(workers.client(url(), self.worker.service), self.known, self.unknown)


runners = [Runner(w) for w in workers.WORKERS]
for r in runners:
    r.start()


def report():
    """Says again and again how much each worker has done, for whoever kills the platform."""
    name = os.path.join(folder, "done")
    while not stopped():
        with open(name + ".new", "w") as f:
            f.write(" ".join(str(len(r.known)) for r in runners))
        os.rename(name + ".new", name)
        time.sleep(0.05)


threading.Thread(target=report, daemon=True).start()
failed = False
for r in runners:
    r.join()
for r in runners:
    try:
        assert r.error is None, r.error
        assert r.known, "nothing was ever acknowledged"
        r.check()
        print(f"{r.worker.name}: {len(r.known)} acknowledged, {len(r.unknown)} unknown: all as it must be")
    except Exception:
        failed = True
        print(f"{r.worker.name}: {len(r.known)} acknowledged, {len(r.unknown)} unknown: FAILED\n{traceback.format_exc()}")
sys.exit(failed)
