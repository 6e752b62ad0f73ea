"""Clients that never stop, for a server in another network: load.py PORT. Told on standard input: "tell" answers how many
requests were answered and how many failed, the end of the input ends it."""

import http.client
import json
import sys
import threading

PORT = int(sys.argv[1])
SECONDS = 300
counts = {"kept": 0, "new": 0}
failures = []
ending = threading.Event()


def ask(link):
    link.request("GET", "/images?limit=1")
    answer = link.getresponse()
    body = answer.read()
    if answer.status != 200 or "images" not in json.loads(body):
        raise AssertionError(f"{answer.status} {body!r}")


def on_one_connection():
    link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=SECONDS)
    while not ending.is_set():
        try:
            ask(link)
        except Exception as failure:
            failures.append(f"kept: {failure!r}")
            link.close()
        counts["kept"] += 1


def on_new_connections():
    while not ending.is_set():
        link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=SECONDS)
        try:
            ask(link)
        except Exception as failure:
            failures.append(f"new: {failure!r}")
        link.close()
        counts["new"] += 1


threads = [threading.Thread(target=on_one_connection), threading.Thread(target=on_new_connections)]
for thread in threads:
    thread.start()
for line in sys.stdin:
    print(json.dumps({"counts": counts, "failures": failures[:10]}), flush=True)
ending.set()
for thread in threads:
    thread.join()
