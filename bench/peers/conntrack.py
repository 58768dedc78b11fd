# Lists connections with pyroute2: conntrack.py WARM ROUNDS prints one line of JSON.
import json
import resource
import sys
import time

from pyroute2 import NFCTSocket

socket = NFCTSocket()


def dump():
    rows = 0
    for message in socket.dump():
        message.get_attr('CTA_ID')
        rows += 1
    return rows


for _ in range(int(sys.argv[1])):
    dump()
before = resource.getrusage(resource.RUSAGE_SELF)
start = time.monotonic()
rows = sum(dump() for _ in range(int(sys.argv[2])))
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
seconds = time.monotonic() - start
print(json.dumps({'rows': rows, 'cpuSeconds': cpu, 'seconds': seconds, 'peakKilobytes': after.ru_maxrss}), flush=True)
# It stays until that has been read, as conntrack.c.
sys.stdin.read()
