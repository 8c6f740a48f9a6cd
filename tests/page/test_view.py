"""`archdsl view`: who may ask for the page, and what happens when its file is saved."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from process import heed_interrupts

import archdsl

TEXT = "arch 1\nnetwork Net(c = 4) {\n  input x: f32[N, 3, 8, 8]\n  stem: conv(c, 3)\n  output y\n}\n"


def ask(address: str, path: str | None = None, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
    sent = {"Host": parts.netloc} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, parts.path if path is None else path, headers=sent)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
    connection.close()
    return found


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.arch"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_page_is_for_whoever_has_the_token(spec: Path) -> None:
    with archdsl.view(spec) as served:
        parts = urlsplit(served.address)
        assert parts.hostname == "127.0.0.1" and len(parts.path) > 24
        status, page, headers = ask(served.address)
        assert status == 200 and "archdsl explorer" in page and "connect-src 'self'" in page
        assert "access-control-allow-origin" not in headers
        assert (
            headers["cross-origin-resource-policy"] == "same-origin" and headers["x-content-type-options"] == "nosniff"
        )
        for path in ("/", "/wrong/", f"{parts.path}../", f"{parts.path[:-2]}/", "//", "/%2e/", f"/x{parts.path}"):
            status, text, _ = ask(served.address, path)
            assert status == 403 and "arch" not in text, path
        assert ask(served.address, f"{parts.path}nothing")[0] == 404
        assert ask(served.address, method="POST")[0] == 501
    with pytest.raises(OSError):
        ask(served.address)


def test_no_other_origin_is_answered(spec: Path) -> None:
    with archdsl.view(spec) as served:
        port = urlsplit(served.address).port
        assert ask(served.address, Host=f"localhost:{port}")[0] == 200
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", ""):
            assert ask(served.address, Host=host)[0] == 403  # a name that leads here
        for site in ("cross-site", "same-site"):
            assert ask(served.address, Sec_Fetch_Site=site)[0] == 403
        assert ask(served.address, Sec_Fetch_Site="same-origin")[0] == 200


def test_a_change_is_told_and_a_fault_as_well(spec: Path) -> None:
    with archdsl.view(spec) as served:
        path = urlsplit(served.address).path
        first = json.loads(ask(served.address, f"{path}version?seen=x")[1])
        assert first == {"version": 1, "fault": ""}
        told: list[dict[str, object]] = []
        asking = threading.Thread(
            target=lambda: told.append(json.loads(ask(served.address, f"{path}version?seen=1")[1]))
        )
        asking.start()
        spec.write_text(TEXT.replace("c = 4", "c = 16"), encoding="utf-8")
        changed, fault = served.wait()
        asking.join()
        assert changed.endswith("net.arch") and fault == "" and told == [{"version": 2, "fault": ""}]
        assert '["stem"' in ask(served.address)[1] and "[1,16" not in ask(served.address)[1].partition("<body>")[0]
        spec.write_text(TEXT.replace("conv(c, 3)", "conv(c, 30)"), encoding="utf-8")
        _, fault = served.wait()
        assert "error[E" in fault
        assert json.loads(ask(served.address, f"{path}version?seen=2")[1]) == {"version": 3, "fault": fault}
        assert ask(served.address)[0] == 200  # the last page stays


def test_standard_input_and_faults_are_refused(spec: Path) -> None:
    with pytest.raises(archdsl.DiagnosticError, match="E0007"):
        archdsl.view("-")
    spec.write_text("arch 1\nnetwork", encoding="utf-8")
    with pytest.raises(archdsl.DiagnosticError, match="E0100"):
        archdsl.view(spec)


def test_the_command_says_where_and_ends_with_ctrl_c(spec: Path) -> None:
    command = [sys.executable, "-m", "archdsl", "view", "--no-browser", str(spec)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            address = process.stdout.readline().strip()
            assert ask(address)[0] == 200
            process.send_signal(signal.SIGINT)
            process.wait(20)
            assert "Traceback" not in process.stderr.read()
            assert process.returncode == 130
        finally:
            process.kill()  # a server that does not end must not keep the tests
