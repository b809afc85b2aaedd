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

_compiled = os.environ.pop("_BRUME_COMPILED", None)
if _compiled:
    # The SDK is lent by another version of Python; its compiled form for this one lies apart from its source.
    from importlib.machinery import FileFinder, SourceFileLoader

    class _Lent(SourceFileLoader):
        def get_code(self, fullname):
            kept, sys.pycache_prefix = sys.pycache_prefix, _compiled
            try:
                return super().get_code(fullname)
            finally:
                sys.pycache_prefix = kept

    def _lent(path):
        if path != _here and not path.startswith(_here + "/"):
            raise ImportError(path)
        return FileFinder(path, (_Lent, [".py"]))

    sys.path_hooks.insert(0, _lent)
    sys.path_importer_cache.pop(_here, None)

if __name__ == "__main__":
    brume_runtime.main()
