"""`sargan demo`, as far as it goes wrong."""

import socket
import subprocess
import sys

import pytest

from sargan_hf.demo.ports import check_port
from sargan_hf.errors import ConfigurationError


@pytest.fixture
def taken():
    """A port on which somebody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_in_use_ends_in_one_sentence(taken, host):
    command = [sys.executable, "-m", "sargan_hf.cli", "demo", "--no-browser", "--host", host, "--port", str(taken)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"error: Port {taken} is in use, maybe by this app already: stop what runs there, or choose another port by --port.\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a b"])
def test_an_address_that_is_not_this_machine(host):
    with pytest.raises(ConfigurationError, match=r"Nothing can listen at .*: choose another address or port"):
        check_port(host, 0)


@pytest.mark.parametrize("host", [None, "127.0.0.1", "localhost", "0.0.0.0"])
def test_a_free_port(host):
    check_port(host, 0)
