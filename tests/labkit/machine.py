#!/usr/bin/python3 -IS
"""machine.py DIR WHAT VALUE: tells the lab what the BMC of DIR does to the machine behind it; exit 1 if refused."""

import json
import os
import sys
import socket

home, what, value = sys.argv[1:4]
with socket.socket(socket.AF_UNIX) as control:
    control.settimeout(10)
    control.connect(os.path.join(os.path.dirname(home), "control.sock"))
    request = {"do": "machine", "node": os.path.basename(home), "what": what, "value": value}
    control.sendall(json.dumps(request).encode() + b"\n")
    answer = json.loads(control.makefile().readline())
if not answer["ok"]:
    print(answer["error"])
    sys.exit(1)
