"""Tokens for the tests, made by the real command."""

import json
import subprocess

from daemon import BINARY, clean_environment

def command(daemon, *arguments, environment=None, check=True):
    """`millrace token …` for the state folder of a daemon."""
    done = subprocess.run(
        [str(part) for part in (BINARY, "token", *arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=30, env=clean_environment() | {"MILLRACE_STATE_DIR": str(daemon.state)} | (environment or {}),
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


def create(daemon, scope, *options, **rest):
    """A new token, as `Token`."""
    return Token(json.loads(command(daemon, "create", "--scope", scope, "--json", *options, **rest).stdout))


def key(daemon):
    """What the daemon's own user shows on the socket in the state folder."""
    return {"Millrace-Key": (daemon.state / "millrace.key").read_text().strip()}


def revoke(daemon, token):
    command(daemon, "revoke", token.id)


class Token:
    def __init__(self, kept):
        self.kept = kept
        self.id, self.secret = kept["id"], kept["token"]
        self.headers = bearer(self.secret)


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def checksummed(text):
    """With the six digits that a token ends in."""
    import zlib

    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number, end = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        end = digits[rest] + end
    return text + end


# One that nobody has made.
WRONG = checksummed("mlr_0000000000_" + "0" * 43)
