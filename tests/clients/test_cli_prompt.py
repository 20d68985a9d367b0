"""The passphrase prompt on a real terminal: unseen, and the terminal is given back however it ends."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import termios
import time

import pytest

from keyferry_cli import DONE, INTERRUPTED, PASSPHRASE, STORE_LOCKED, Keyferry


class Terminal:
    """keyferry as the foreground job of a terminal of its own; its three streams are no terminal."""

    def __init__(self, keyferry: Keyferry, *arguments: str) -> None:
        self.master, self.slave = pty.openpty()
        environment = dict(keyferry.environment)
        environment.pop("KEYFERRY_PASSPHRASE", None)
        self.before = termios.tcgetattr(self.slave)
        self.shown = b""

        def take_terminal() -> None:
            os.setsid()
            os.close(os.open(os.ttyname(self.slave), os.O_RDWR))

        self.process = subprocess.Popen(
            keyferry.command(*arguments),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment, cwd=keyferry.home, preexec_fn=take_terminal,
        )

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def wait_for_prompt(self, text: bytes = b"assphrase") -> None:
        deadline = time.monotonic() + 20
        while text not in self.shown or self.echoes():
            assert time.monotonic() < deadline, self.shown
            if text not in self.shown:
                self.shown += os.read(self.master, 4096)
            time.sleep(0.01)

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def end(self) -> int:
        stdout, stderr = self.process.communicate(timeout=60)
        self.output = stdout + stderr
        os.set_blocking(self.master, False)
        try:
            while more := os.read(self.master, 4096):
                self.shown += more
        except BlockingIOError:
            pass
        return self.process.returncode


@pytest.fixture
def asked(locked):
    terminal = Terminal(locked, "key", "export", "test", "out.key")
    yield terminal
    if terminal.process.poll() is None:
        terminal.process.kill()
        terminal.process.wait()
    os.close(terminal.master)
    os.close(terminal.slave)


def test_what_is_typed_is_not_seen(asked, locked):
    asked.wait_for_prompt()
    asked.type(PASSPHRASE.encode() + b"\n")
    assert asked.end() == DONE
    assert PASSPHRASE.encode() not in asked.shown + asked.output
    assert (locked.home / "out.key").stat().st_size == 32
    assert termios.tcgetattr(asked.slave) == asked.before


def test_wrong_passphrase(asked, locked):
    asked.wait_for_prompt()
    asked.type(b"not the passphrase\n")
    assert asked.end() == STORE_LOCKED
    assert b"hint:" in asked.output and b"not the passphrase" not in asked.output
    assert not (locked.home / "out.key").exists()
    assert termios.tcgetattr(asked.slave) == asked.before


@pytest.mark.parametrize("typed_before", [b"", b"half a passphr"], ids=["at once", "halfway"])
def test_control_c(asked, locked, typed_before):
    asked.wait_for_prompt()
    asked.type(typed_before + b"\x03")
    assert asked.end() == INTERRUPTED
    assert termios.tcgetattr(asked.slave) == asked.before
    assert b"half" not in asked.shown + asked.output
    assert not (locked.home / "out.key").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signals_from_elsewhere(asked, how):
    asked.wait_for_prompt()
    asked.process.send_signal(how)
    assert asked.end() == INTERRUPTED
    assert termios.tcgetattr(asked.slave) == asked.before


def test_control_d(asked):
    """No passphrase at all: refused, with the terminal as it was."""
    asked.wait_for_prompt()
    asked.type(b"\x04")
    assert asked.end() != DONE
    assert b"hint:" in asked.output
    assert termios.tcgetattr(asked.slave) == asked.before


def test_control_c_while_a_store_is_made(keyferry):
    terminal = Terminal(keyferry, "key", "init")
    terminal.wait_for_prompt()
    terminal.type(b"open sesame\n")
    terminal.wait_for_prompt(b"Once more")
    terminal.type(b"\x03")
    assert terminal.end() == INTERRUPTED
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert not keyferry.store.exists()


def test_control_c_before_an_upload(locked, key_bucket, s3):
    """Where interruptions are otherwise finished cleanly, the first one ends a prompt, too."""
    (locked.home / "data").write_text("x")
    terminal = Terminal(locked, "upload", "data", f"s3://{key_bucket}/k", "--key", "test")
    terminal.wait_for_prompt()
    terminal.type(b"\x03")
    assert terminal.end() == INTERRUPTED
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert "Contents" not in s3.list_objects_v2(Bucket=key_bucket)
