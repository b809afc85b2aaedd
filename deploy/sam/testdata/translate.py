"""Writes what AWS's own translator makes of each template beside it: the goldens of TestGolden.

    pip install aws-sam-translator==1.110.0 && python3 translate.py
"""

import glob
import json
import os

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoPolicies:
    """The translator has the managed policies of AWS in itself."""

    def load(self):
        return {}


for name in sorted(glob.glob("*.yaml")):
    with open(name) as f:
        template = yaml_parse(f.read())
    given = {k: v["Default"] for k, v in template.get("Parameters", {}).items() if "Default" in v}
    out = transform(template, given, NoPolicies())
    with open(name.replace(".yaml", ".json"), "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")
