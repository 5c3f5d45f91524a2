"""A service manager of one socket: hears what a service tells by sd_notify(3)."""

import os
import socket


class Manager:
    """Gives a service what `Type=notify` gives it."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(self.path)
        self._socket.settimeout(20)
        self.messages = []

    @property
    def environment(self):
        return {"NOTIFY_SOCKET": self.path}

    def close(self):
        self._socket.close()
        os.unlink(self.path)

    def next(self, wanted):
        """The next message with a line that begins so, as a dictionary."""
        while True:
            lines = self._socket.recv(65536).decode().splitlines()
            message = dict(line.split("=", 1) for line in lines)
            self.messages.append(message)
            if any(line.startswith(wanted) for line in lines):
                return message
