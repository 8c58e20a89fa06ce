"""Runs a command that can have no real-time priority, nor can what it starts: `python without_priority.py COMMAND ...`."""

import ctypes
import os
import resource
import sys

DROP_FROM_BOUNDING_SET, SYS_NICE = 24, 23
"""Source: linux/prctl.h, linux/capability.h. Only root has the capability, and only root needs to drop it."""

ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, SYS_NICE, 0, 0, 0)
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
os.execvp(sys.argv[1], sys.argv[1:])
