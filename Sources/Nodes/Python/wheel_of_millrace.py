"""Builds the wheel of `millrace` for pip (PEP 517): one module, so that no build tool has to be fetched for it."""

import base64
import hashlib
import os
import zipfile

NAME, VERSION = "millrace", "0.1.0"
HERE = os.path.dirname(os.path.abspath(__file__))
DIST_INFO = "%s-%s.dist-info" % (NAME, VERSION)
METADATA = """\
Metadata-Version: 2.1
Name: %s
Version: %s
Summary: What Python nodes of Millrace import; outside of it, emit and log print.
Requires-Python: >=3.9
""" % (NAME, VERSION)
WHEEL = """\
Wheel-Version: 1.0
Generator: millrace
Root-Is-Purelib: true
Tag: py3-none-any
"""


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with open(os.path.join(HERE, "millrace.py"), "rb") as file:
        module = file.read()
    return _write(wheel_directory, {"millrace.py": module})


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _write(wheel_directory, {"millrace.pth": HERE.encode() + b"\n"})


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("millrace is installed from the folder that `millrace python-path` prints")


def _write(folder, files):
    files = {
        **files, DIST_INFO + "/METADATA": METADATA.encode(), DIST_INFO + "/WHEEL": WHEEL.encode(),
        DIST_INFO + "/top_level.txt": b"millrace\n"}
    record = "".join("%s,sha256=%s,%d\n" % (name, _digest(data), len(data)) for name, data in files.items())
    files[DIST_INFO + "/RECORD"] = (record + DIST_INFO + "/RECORD,,\n").encode()
    name = "%s-%s-py3-none-any.whl" % (NAME, VERSION)
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)
    return name


def _digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
