# The program that Brume starts for functions in Python. It only arranges where modules are looked for; the loop is in
# brume_runtime, which is a module so that its compiled form can be kept.
import os
import sys

_root = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
_here = os.path.dirname(os.path.abspath(__file__))
_version = "python%d.%d" % sys.version_info[:2]
sys.path[:] = [p for p in sys.path if p not in (_here, "")]
sys.path[:0] = [_root, "/opt/python/lib/%s/site-packages" % _version, "/opt/python", _here]

import brume_runtime  # noqa: E402

if __name__ == "__main__":
    brume_runtime.main()
