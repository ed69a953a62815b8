"""/metrics, read by Prometheus's own tool and client library; /healthz and /readyz."""

import http.client
import subprocess

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def get(world, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response, response.read().decode()


def families(parse, text):
    return {family.name: family for family in parse(text)}


def figure(family, suffix="", **labels):
    found = [
        sample.value
        for sample in family.samples
        if sample.name == family.name + suffix and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, (family, labels)
    return found[0]


def test_openmetrics(world):
    world.proxy().supervisor.stopProcess("cat")
    world.proxy().supervisor.sendProcessStdin("pair:pair_0", "hello\n")
    world.until(
        lambda: "hello" in (world.text(world.info("pair:pair_0")["stdout_logfile"]) or ""),
        "the echo",
    )
    response, text = get(world, "/metrics", Accept=OPEN_METRICS)
    assert response.getheader("Content-Type") == f"{OPEN_METRICS}; charset=utf-8"
    told = families(open_metrics, text)
    pair = {"name": "pair_0", "group": "pair"}
    assert figure(told["node_supervisord_up"], **pair) == 1
    assert figure(told["node_supervisord_up"], name="cat") == 0
    assert figure(told["node_supervisord_state"], **pair) == 20
    info = world.info("pair:pair_0")
    assert int(figure(told["node_supervisord_start_time_seconds"], **pair)) == info["start"]
    assert figure(told["supervisord_process_memory_bytes"], **pair) > 4096
    assert figure(told["supervisord_process_open_fds"], **pair) >= 3
    log = told["supervisord_process_log_bytes"]
    assert figure(log, "_total", stream="stdout", **pair) == len("hello\n")
    assert figure(told["supervisord_processes"], state="RUNNING") == 2
    stops = {"operation": "supervisor.stopProcess"}
    assert figure(told["supervisord_operation_seconds"], "_count", **stops) == 1
    assert figure(told["supervisord_loop_turn_seconds"], "_count") > 1
    assert figure(told["process_resident_memory_bytes"]) > 1 << 20
    assert figure(told["supervisord_http_connections"]) >= 1


def test_prometheus_text(world):
    response, text = get(world, "/metrics")
    assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    told = families(prometheus_text, text)
    assert figure(told["node_supervisord_up"], name="cat") == 1
    assert "supervisord_loop_delay_seconds" in told
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True
    )
    assert (checked.returncode, checked.stderr, checked.stdout) == (0, "", "")


def test_health(world):
    for path, told in [("/healthz", '{"status":"ok"}'), ("/readyz", '{"status":"ready"}')]:
        response, text = get(world, path)
        assert (response.status, text) == (200, told)
